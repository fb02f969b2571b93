/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --dev and --proc: the two file systems that are more than one mount. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/fs-op.h"
#include "run/mount.h"

/* Binds a host file on name in dirfd, a directory of ours that nobody else can change yet. */
static int bind_into(struct fs_ctx *ctx, const char *src, int dirfd, const char *name,
                     struct err *err)
{
	struct dest dest = { .root = ctx->root, .path = src, .dir_fd = dirfd, .name = name };
	cleanup_fd int src_fd = -1;

	if (mknodat(dirfd, name, S_IFREG | 0444, 0) < 0)
		return err_step(err, STEP_MKFILE, errno, src, NULL);
	if (ctx->root->has_mount_api)
		return mount_bind_name(src, dirfd, name, MOUNT_ATTR_NOSUID, err);
	src_fd = openat(AT_FDCWD, src, O_PATH | O_CLOEXEC);
	if (src_fd < 0)
		return err_step(err, STEP_SOURCE, errno, src, NULL);
	dest.fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (dest.fd < 0)
		return err_step(err, STEP_MKFILE, errno, src, NULL);
	return fs_mounted(&dest, mount_bind(src_fd, src, &dest, MOUNT_ATTR_NOSUID, err));
}

static int add_nodes(struct fs_ctx *ctx, int dev_fd, struct err *err)
{
	static const char *const nodes[] = { "/dev/null",   "/dev/zero",    "/dev/full",
		                             "/dev/random", "/dev/urandom", "/dev/tty" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(nodes); i++)
		r = bind_into(ctx, nodes[i], dev_fd, nodes[i] + strlen("/dev/"), err);
	return r;
}

static int add_links(int dev_fd, const char *path, struct err *err)
{
	static const struct {
		const char *name;
		const char *target;
	} links[] = {
		{ "stdin", "/proc/self/fd/0" },  { "stdout", "/proc/self/fd/1" },
		{ "stderr", "/proc/self/fd/2" }, { "fd", "/proc/self/fd" },
		{ "core", "/proc/kcore" },       { "ptmx", "pts/ptmx" },
	};

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].target, dev_fd, links[i].name) < 0)
			return err_step(err, STEP_SYMLINK, errno, path, NULL);
	if (mkdirat(dev_fd, "shm", 0755) < 0 || mkdirat(dev_fd, "pts", 0755) < 0)
		return err_step(err, STEP_MKDIR, errno, path, NULL);
	return 0;
}

static int add_pts(struct fs_ctx *ctx, int dev_fd, const char *path, struct err *err)
{
	static const struct mount_option options[] = {
		{ "newinstance", NULL }, { "ptmxmode", "0666" }, { "mode", "620" }, { NULL, NULL }
	};
	const struct mount_new devpts = {
		.type = "devpts",
		.options = options,
		.attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.step = STEP_DEVPTS,
	};
	char *pts = NULL;
	struct dest dest = { .root = ctx->root, .dir_fd = dev_fd, .name = "pts" };
	int r;

	dest.fd = openat(dev_fd, "pts", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (dest.fd < 0 || asprintf(&pts, "%s/pts", path) < 0)
		return err_step(err, STEP_DEVPTS, errno, path, NULL);
	dest.path = pts;
	r = fs_mounted(&dest, mount_new(&devpts, &dest, err));
	free(pts);
	return r;
}

/* The terminal that the caller's output goes to, so that programs that open /dev/console find it.
 */
static int add_console(struct fs_ctx *ctx, int dev_fd, struct err *err)
{
	char tty[64] = "";

	if (ttyname_r(STDOUT_FILENO, tty, sizeof(tty)) != 0)
		return 0;
	return bind_into(ctx, tty, dev_fd, "console", err);
}

int fs_dev(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	cleanup_fd int fd = -1;
	int r = fs_mount_empty(ctx, op, 0755, err);

	(void)src_fd;
	if (r < 0)
		return r;
	fd = dest_open(ctx->root, op->dst, DEST_EXISTING, 0, err);
	r = fd < 0 ? fd : add_nodes(ctx, fd, err);
	if (r == 0)
		r = add_links(fd, op->dst, err);
	if (r == 0)
		r = add_pts(ctx, fd, op->dst, err);
	return r == 0 ? add_console(ctx, fd, err) : r;
}

/* Whether what is below name can be written with our uid alone: many files of /proc/sys ask for
 * nothing but their owner, in directories that nobody may write to. Returns 1, 0 or -errno. */
static int is_dangerous(const struct fs_ctx *ctx, int proc, const char *name)
{
	struct stat st;

	if (faccessat(proc, name, W_OK, 0) == 0)
		return 1;
	if (errno != EACCES && errno != EROFS && errno != ENOENT)
		return -errno;
	if (ctx->plan->personality != PERSONALITY_NATIVE)
		return 0;
	if (fstatat(proc, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return st.st_uid == geteuid();
}

/* As bwrap, a /proc of the host keeps its noexec, but is not given one. */
static uint64_t bound_proc_attrs(const struct fs_ctx *ctx)
{
	const uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	return ctx->plan->personality == PERSONALITY_BWRAP ? attrs : attrs | MOUNT_ATTR_NOEXEC;
}

/* What root on the host could write there is made read-only: a mapped uid 0 is the host's own when
 * root runs us. For anybody else there is nothing to cover. */
static int cover_proc(struct fs_ctx *ctx, const char *path, struct err *err)
{
	static const char *const names[] = { "sys", "sysrq-trigger", "irq", "bus" };
	const uint64_t attrs = bound_proc_attrs(ctx) | MOUNT_ATTR_RDONLY;
	cleanup_fd int proc = -1;

	if (!ctx->plan->ns.host_root)
		return 0;
	proc = dest_open(ctx->root, path, DEST_EXISTING, 0, err);
	if (proc < 0)
		return proc;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct dest dest = {
			.root = ctx->root, .path = names[i], .dir_fd = proc, .name = names[i]
		};
		int r;

		r = is_dangerous(ctx, proc, names[i]);
		if (r == 0)
			continue;
		if (r < 0)
			return err_step(err, STEP_PROC_COVER, -r, names[i], NULL);
		dest.fd = openat(proc, names[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (dest.fd < 0)
			return err_step(err, STEP_PROC_COVER, errno, names[i], NULL);
		r = fs_mounted(&dest, mount_bind(dest.fd, names[i], &dest, attrs, err));
		if (r < 0)
			return r;
	}
	return 0;
}

int fs_proc(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	const struct mount_new proc = {
		.type = "proc",
		.attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.step = STEP_PROC,
	};
	struct dest dest = { .root = ctx->root, .path = op->dst };
	int r;

	(void)src_fd;
	if (ctx->plan->ns.pid || ctx->plan->ns.pidns_fd >= 0) {
		r = fs_mount_on_dir(ctx, op, &proc, err);
	} else {
		cleanup_fd int host = openat(AT_FDCWD, "/proc", O_PATH | O_CLOEXEC);

		r = host < 0 ? err_step(err, STEP_SOURCE, errno, "/proc", NULL)
		             : dest_prepare(&dest, DEST_DIR, 0755, err);
		if (r == 0)
			r = fs_mounted(&dest, mount_bind(host, "/proc", &dest,
			                                 bound_proc_attrs(ctx), err));
	}
	return r < 0 ? r : cover_proc(ctx, op->dst, err);
}
