/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files whose content comes from a descriptor or from the plan, and masks. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/fs-op.h"
#include "run/mount.h"

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Copies the descriptor from where it stands to its end. A file's offset is put back, so that one
 * descriptor may serve several operations. */
static int copy_fd(const struct op *op, int to, struct err *err)
{
	off_t start = lseek(op->fd, 0, SEEK_CUR);
	char buf[8192];

	for (;;) {
		ssize_t n = read(op->fd, buf, sizeof(buf));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_step(err, STEP_READ_DATA, errno, op->dst, NULL);
		if (n == 0)
			break;
		r = write_all(to, buf, (size_t)n);
		if (r < 0)
			return err_step(err, STEP_WRITE_FILE, -r, op->dst, NULL);
	}
	if (start >= 0 && lseek(op->fd, start, SEEK_SET) < 0)
		return err_step(err, STEP_READ_DATA, errno, op->dst, NULL);
	return 0;
}

/* A pipe gives its bytes once: a second operation on it would silently make an empty file. */
static int check_reuse(const struct fs_ctx *ctx, const struct op *op, struct err *err)
{
	if (lseek(op->fd, 0, SEEK_CUR) >= 0)
		return 0;
	for (const struct op *prev = plan_op(ctx->plan, 0); prev < op; prev++)
		if ((prev->kind == OP_FILE || prev->kind == OP_BIND_DATA) && prev->fd == op->fd)
			return err_text(err, 0,
			                "fd %d was already read for '%s' and is needed for '%s'",
			                op->fd, prev->dst, op->dst);
	return 0;
}

int fs_file(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	mode_t mode = op->perms == OP_PERMS_DEFAULT ? 0666 : (mode_t)op->perms;
	cleanup_fd int fd = -1;
	int r = check_reuse(ctx, op, err);

	(void)src_fd;
	if (r < 0)
		return r;
	fd = dest_open(ctx->root, op->dst, DEST_WRITE, mode, err);
	return fd < 0 ? fd : copy_fd(op, fd, err);
}

int fs_text(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	cleanup_fd int fd = dest_open(ctx->root, op->dst, DEST_WRITE, (mode_t)op->perms, err);
	int r;

	(void)src_fd;
	if (fd < 0)
		return fd;
	r = write_all(fd, op->src, strlen(op->src));
	return r < 0 ? err_step(err, STEP_WRITE_FILE, -r, op->dst, NULL) : 0;
}

/* A file of ours in the tmpfs below the root, to be mounted elsewhere and unlinked then: the kernel
 * mounts no file that is unlinked already. */
struct scratch {
	char name[32];
	int fd;
};

static int scratch_open(const struct fs_ctx *ctx, const struct op *op, int perms,
                        struct scratch *ret, struct err *err)
{
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(ret->name, sizeof(ret->name), ".sbx-data.%u", i);
		ret->fd = openat(ctx->root->base_fd, ret->name,
		                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (ret->fd >= 0 || errno != EEXIST)
			break;
	}
	if (ret->fd < 0 || fchmod(ret->fd, (mode_t)perms) < 0)
		return err_step(err, STEP_MKFILE, errno, op->dst, NULL);
	return 0;
}

static int scratch_bind(struct fs_ctx *ctx, const struct op *op, const struct scratch *scratch,
                        uint64_t attrs, struct err *err)
{
	cleanup_fd int src = -1;
	struct dest dest = { .root = ctx->root, .path = op->dst };
	int r = dest_prepare(&dest, DEST_FILE, 0444, err);

	if (r < 0)
		return r;
	src = openat(ctx->root->base_fd, scratch->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (src < 0)
		r = err_step(err, STEP_MKFILE, errno, op->dst, NULL);
	else
		r = fs_bind_own(src, scratch->name, &dest, attrs, err);
	return fs_mounted(&dest, r);
}

int fs_bind_data(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	struct scratch scratch = { .fd = -1 };
	int r = check_reuse(ctx, op, err);

	(void)src_fd;
	if (op->flags & OP_RDONLY)
		attrs |= MOUNT_ATTR_RDONLY;
	if (r == 0)
		r = scratch_open(ctx, op, op->perms == OP_PERMS_DEFAULT ? 0600 : op->perms,
		                 &scratch, err);
	if (r == 0)
		r = copy_fd(op, scratch.fd, err);
	cleanup_fd_fn(&scratch.fd);
	if (r == 0)
		r = scratch_bind(ctx, op, &scratch, attrs, err);
	if (r == 0 && unlinkat(ctx->root->base_fd, scratch.name, 0) < 0)
		r = err_step(err, STEP_MKFILE, errno, op->dst, NULL);
	return r;
}

static int mask_file(struct fs_ctx *ctx, const struct op *op, struct err *err)
{
	struct scratch scratch = { .fd = -1 };
	int r = scratch_open(ctx, op, 0444, &scratch, err);

	cleanup_fd_fn(&scratch.fd);
	if (r == 0)
		r = scratch_bind(ctx, op, &scratch,
		                 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		                         MOUNT_ATTR_NOEXEC,
		                 err);
	if (r == 0 && unlinkat(ctx->root->base_fd, scratch.name, 0) < 0)
		r = err_step(err, STEP_MASK, errno, op->dst, NULL);
	return r;
}

/* Nothing is made where nothing is: a stub in a bind that can be written would stay on the host. */
int fs_mask(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	static const struct mount_option options[] = { { "mode", "0555" },
		                                       { "size", "4k" },
		                                       { 0 } };
	const struct mount_new empty = {
		.type = "tmpfs",
		.options = options,
		.attrs = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		         MOUNT_ATTR_NOEXEC,
		.step = STEP_MASK,
	};
	cleanup_fd int fd = dest_open(ctx->root, op->dst, DEST_EXISTING, 0, err);
	struct stat st;

	(void)src_fd;
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_step(err, STEP_MASK, errno, op->dst, NULL);
	return S_ISDIR(st.st_mode) ? fs_mount_on_dir(ctx, op, &empty, err)
	                           : mask_file(ctx, op, err);
}
