/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/fs-op.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan-print.h"
#include "core/plan.h"
#include "run/mount.h"
#include "run/root.h"
#include "run/source.h"

static int perms_or(const struct op *op, int fallback)
{
	return op->perms == OP_PERMS_DEFAULT ? fallback : op->perms;
}

int fs_mounted(struct dest *dest, int fd)
{
	if (dest->fd >= 0)
		close(dest->fd);
	if (fd < 0)
		return fd;
	if (dest->is_root)
		root_replace(dest->root, fd);
	else
		close(fd);
	return 0;
}

int fs_mount_on_dir(struct fs_ctx *ctx, const struct op *op, const struct mount_new *new,
                    struct err *err)
{
	struct dest dest = { .root = ctx->root, .path = op->dst };
	int r = dest_prepare(&dest, DEST_DIR, 0755, err);

	return r < 0 ? r : fs_mounted(&dest, mount_new(new, &dest, err));
}

static int apply_bind(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	uint64_t attrs = MOUNT_ATTR_NOSUID;
	struct dest dest = { .root = ctx->root, .path = op->dst };
	struct stat st;
	int r;

	if (!(op->flags & OP_DEVICES))
		attrs |= MOUNT_ATTR_NODEV;
	if (op->flags & OP_RDONLY)
		attrs |= MOUNT_ATTR_RDONLY;
	if (fstat(src_fd, &st) < 0)
		return err_step(err, STEP_SOURCE, errno, op->src, NULL);
	/* "read-only" holds for what the host mounts there later, too, as it does not come in;
	 * bwrap lets it in, writable */
	dest.cut_off = (op->flags & OP_RDONLY) && ctx->plan->personality == PERSONALITY_NATIVE;
	r = S_ISDIR(st.st_mode) ? dest_prepare(&dest, DEST_DIR, 0755, err)
	                        : dest_prepare(&dest, DEST_FILE, 0444, err);
	if (r < 0)
		return r;
	return fs_mounted(&dest, mount_bind(src_fd, op->src, &dest, attrs, err));
}

static int apply_remount_ro(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	cleanup_fd int fd = dest_open(ctx->root, op->dst, DEST_EXISTING, 0, err);
	int r;

	(void)src_fd;
	if (fd < 0)
		return fd;
	r = mount_restrict(ctx->root, fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (r == -EINVAL)
		return err_step(err, STEP_NOT_A_MOUNT, 0, op->dst, NULL);
	return r < 0 ? err_step(err, STEP_REMOUNT_RO, -r, op->dst, NULL) : 0;
}

/* The base is unbindable, lest it be cloned with the host's tree; what is ours is the exception. */
int fs_bind_own(int src_fd, const char *src, const struct dest *dest, uint64_t attrs,
                struct err *err)
{
	const struct root *root = dest->root;
	int r = mount_propagation(root, root->base_fd, MS_PRIVATE);
	int fd;

	if (r < 0)
		return err_step(err, STEP_BIND, -r, src, dest->path);
	fd = mount_bind(src_fd, src, dest, attrs, err);
	r = mount_propagation(root, root->base_fd, MS_UNBINDABLE);
	if (fd < 0 || r == 0)
		return fd;
	close(fd);
	return err_step(err, STEP_BIND, -r, src, dest->path);
}

/* A directory of the skeleton is one of the root's own tmpfs, mounted on itself so that it stays
 * writable below a read-only root: a tmpfs costs more to take down at the end than all of its
 * set-up. */
static int mount_own_dir(struct fs_ctx *ctx, const struct op *op, mode_t mode, struct err *err)
{
	struct dest dest = { .root = ctx->root, .path = op->dst };
	int r = dest_prepare(&dest, DEST_DIR, mode, err);

	if (r == 0)
		r = dest_fd(&dest, err);
	if (r < 0)
		return r;
	return fs_mounted(&dest, fs_bind_own(dest.fd, op->dst, &dest,
	                                     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err));
}

int fs_mount_empty(struct fs_ctx *ctx, const struct op *op, mode_t mode, struct err *err)
{
	char mode_text[16];
	char size[24];
	const struct mount_option options[] = {
		{ "mode", mode_text },
		{ op->size         ? "size"
		  : op->file_label ? "context"
		                   : NULL,
		  op->size ? size : op->file_label },
		{ op->size && op->file_label ? "context" : NULL, op->file_label },
		{ NULL, NULL },
	};
	const struct mount_new tmpfs = {
		.type = "tmpfs",
		.options = options,
		.attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.step = STEP_TMPFS,
	};

	if (op->flags & OP_SKELETON)
		return mount_own_dir(ctx, op, mode, err);
	snprintf(mode_text, sizeof(mode_text), "%#o", (unsigned int)mode);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)op->size);
	return fs_mount_on_dir(ctx, op, &tmpfs, err);
}

static int apply_tmpfs(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	(void)src_fd;
	return fs_mount_empty(ctx, op, (mode_t)perms_or(op, 0755), err);
}

static int apply_mqueue(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	const struct mount_new mqueue = { .type = "mqueue", .step = STEP_MQUEUE };

	(void)src_fd;
	return fs_mount_on_dir(ctx, op, &mqueue, err);
}

static int apply_dir(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	cleanup_fd int fd =
		dest_open(ctx->root, op->dst, DEST_DIR, (mode_t)perms_or(op, 0755), err);

	(void)src_fd;
	return fd < 0 ? fd : 0;
}

static int symlink_exists(int parent, const char *name, const struct op *op, struct err *err)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(parent, name, target, sizeof(target) - 1);

	if (len < 0)
		return err_step(err, STEP_SYMLINK_NOT, 0, op->dst, NULL);
	target[len] = '\0';
	if (strcmp(target, op->src) != 0)
		return err_step(err, STEP_SYMLINK_OTHER, 0, op->dst, target);
	return 0;
}

static int apply_symlink(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	const char *last;
	int known = parent_find(ctx->root, op->dst, &last);
	cleanup_fd int parent = -1;
	char name[NAME_MAX + 1];

	(void)src_fd;
	if (known >= 0 && symlinkat(op->src, known, last) == 0)
		return 0;
	parent = dest_open(ctx->root, op->dst, DEST_PARENT, 0, err);
	if (parent < 0)
		return parent;
	lookup_last(op->dst, name);
	if (!name[0])
		return err_step(err, STEP_SYMLINK_NOT, 0, op->dst, NULL);
	if (symlinkat(op->src, parent, name) == 0)
		return 0;
	if (errno == EEXIST)
		return symlink_exists(parent, name, op, err);
	return err_step(err, STEP_SYMLINK, errno, op->dst, NULL);
}

static int chmod_failed(const struct op *op, int num, struct err *err)
{
	char mode[16];

	snprintf(mode, sizeof(mode), "%#o", (unsigned int)op->perms);
	return err_step(err, STEP_CHMOD, num, op->dst, mode);
}

static int apply_chmod(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	cleanup_fd int fd = dest_open(ctx->root, op->dst, DEST_NOFOLLOW, 0, err);
	char path[FD_PATH_MAX];
	struct stat st;

	(void)src_fd;
	if (fd < 0)
		return err->step == STEP_CHMOD ? chmod_failed(op, err->num, err) : fd;
	if (fstat(fd, &st) < 0)
		return chmod_failed(op, errno, err);
	if (S_ISLNK(st.st_mode))
		return chmod_failed(op, ELOOP, err);
	fd_path(fd, path);
	if (chmod(path, (mode_t)op->perms) < 0)
		return chmod_failed(op, errno, err);
	return 0;
}

static int apply_hostname(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	(void)ctx;
	(void)src_fd;
	if (sethostname(op->src, strlen(op->src)) < 0)
		return err_step(err, STEP_HOSTNAME, errno, op->src, NULL);
	return 0;
}

static fs_apply_fn *const apply[OP_KINDS] = {
	[OP_BIND] = apply_bind,
	[OP_BIND_FD] = apply_bind,
	[OP_REMOUNT_RO] = apply_remount_ro,
	[OP_PROC] = fs_proc,
	[OP_DEV] = fs_dev,
	[OP_TMPFS] = apply_tmpfs,
	[OP_MQUEUE] = apply_mqueue,
	[OP_DIR] = apply_dir,
	[OP_FILE] = fs_file,
	[OP_BIND_DATA] = fs_bind_data,
	[OP_SYMLINK] = apply_symlink,
	[OP_CHMOD] = apply_chmod,
	[OP_OVERLAY] = fs_overlay,
	[OP_TMP_OVERLAY] = fs_overlay,
	[OP_RO_OVERLAY] = fs_overlay,
	[OP_HOSTNAME] = apply_hostname,
	[OP_MASK] = fs_mask,
	[OP_TEXT] = fs_text,
};

static void say(const struct fs_ctx *ctx, const struct op *op)
{
	char *line = ctx->plan->verbose ? plan_print_op(ctx->plan, op) : NULL;

	if (line)
		dprintf(STDERR_FILENO, "sbx: %s\n", line);
	free(line);
}

/* bwrap gives the parents of what is private to its owner or its group no more bits than that. */
static mode_t parent_mode(const struct plan *plan, const struct op *op)
{
	mode_t mode = 0755;

	if (plan->personality != PERSONALITY_BWRAP || op->perms == OP_PERMS_DEFAULT)
		return mode;
	if (!(op->perms & 0070))
		mode &= ~(mode_t)0050;
	if (!(op->perms & 0007))
		mode &= ~(mode_t)0005;
	return mode;
}

int fs_apply_all(struct fs_ctx *ctx, struct err *err)
{
	for (size_t i = 0; i < ctx->plan->ops.len; i++) {
		const struct op *op = plan_op(ctx->plan, i);
		cleanup_fd int src_fd = ctx->sources[i];
		int r;

		ctx->sources[i] = -1;
		if (source_is_needed(op) && src_fd == SOURCE_LATER) {
			src_fd = source_open(op, fs_host_path(ctx, op, FS_SRC), err);
			if (src_fd < 0 && src_fd != SOURCE_ABSENT)
				return src_fd;
		}
		if (src_fd == SOURCE_ABSENT)
			continue;
		say(ctx, op);
		ctx->root->parent_mode = parent_mode(ctx->plan, op);
		r = apply[op->kind](ctx, op, src_fd, err);
		if (r < 0)
			return r;
	}
	return 0;
}
