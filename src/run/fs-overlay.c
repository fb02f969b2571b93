/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Overlays. The layers are named by descriptor (/proc/self/fd/N), so that no path needs escaping
 * and nobody can swap one; with mount(2), whose option text holds more layers than fsconfig(2)'s.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/fs-op.h"
#include "run/mount.h"

enum { OPTIONS_MAX = 4096 /* one page, mount(2) */ };

struct layers {
	int *fds;
	size_t n;
	char text[OPTIONS_MAX];
	size_t len;
};

static void layers_close(struct layers *layers)
{
	for (size_t i = 0; i < layers->n; i++)
		close(layers->fds[i]);
	free(layers->fds);
}

static int add_text(struct layers *layers, const char *dst, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int add_text(struct layers *layers, const char *dst, struct err *err, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(layers->text + layers->len, sizeof(layers->text) - layers->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(layers->text) - layers->len)
		return err_text(err, 0, "overlay on '%s': too many layers and options", dst);
	layers->len += (size_t)n;
	return 0;
}

static int add_layer(struct layers *layers, int dirfd, const char *path, struct err *err)
{
	int fd = openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_step(err, STEP_SOURCE, errno, path, NULL);
	layers->fds[layers->n++] = fd;
	return fd;
}

/* The first --overlay-src is the lowest; the kernel's list begins with the uppermost. */
static int add_lower(struct layers *layers, const struct fs_ctx *ctx, const struct op *op,
                     struct err *err)
{
	int r = add_text(layers, op->dst, err, "userxattr,lowerdir=");

	for (size_t i = op->n_layers; r == 0 && i-- > 0;) {
		int fd = add_layer(layers, AT_FDCWD, fs_host_path(ctx, op, FS_LAYER + i), err);

		r = fd < 0 ? fd
		           : add_text(layers, op->dst, err, "/proc/self/fd/%d%s", fd, i ? ":" : "");
	}
	return r;
}

static int add_upper(struct layers *layers, int dirfd, const char *upper, const char *work,
                     struct err *err)
{
	int upper_fd = add_layer(layers, dirfd, upper, err);
	int work_fd = upper_fd < 0 ? upper_fd : add_layer(layers, dirfd, work, err);

	if (work_fd < 0)
		return work_fd;
	return add_text(layers, upper, err, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d",
	                upper_fd, work_fd);
}

/* The upper layer of --tmp-overlay lives in a tmpfs on the destination, which the overlay covers.
 */
static int add_tmp_upper(struct layers *layers, struct fs_ctx *ctx, const struct op *op,
                         struct err *err)
{
	static const struct mount_option options[] = { { "mode", "0755" }, { 0 } };
	const struct mount_new tmpfs = {
		.type = "tmpfs",
		.options = options,
		.attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.step = STEP_TMPFS,
	};
	cleanup_fd int fd = -1;
	int r = fs_mount_on_dir(ctx, op, &tmpfs, err);

	if (r < 0)
		return r;
	fd = dest_open(ctx->root, op->dst, DEST_EXISTING, 0, err);
	if (fd < 0)
		return fd;
	if (mkdirat(fd, "upper", 0755) < 0 || mkdirat(fd, "work", 0755) < 0)
		return err_step(err, STEP_MKDIR, errno, op->dst, NULL);
	return add_upper(layers, fd, "upper", "work", err);
}

static int mount_layers(struct fs_ctx *ctx, const struct op *op, const struct layers *layers,
                        struct err *err)
{
	char path[FD_PATH_MAX];
	struct dest dest = { .root = ctx->root, .path = op->dst };
	int fd;
	int r = dest_prepare(&dest, DEST_DIR, 0755, err);

	if (r == 0)
		r = dest_fd(&dest, err);
	if (r < 0)
		return r;
	fd_path(dest.fd, path);
	if (mount("overlay", path, "overlay",
	          MS_NOSUID | MS_NODEV | (op->kind == OP_RO_OVERLAY ? MS_RDONLY : 0),
	          layers->text) < 0)
		fd = errno == ELOOP ? err_step(err, STEP_OVERLAY_LOOP, 0, op->dst, layers->text)
		                    : err_step(err, STEP_OVERLAY, errno, op->dst, layers->text);
	else
		fd = mount_top(&dest);
	return fs_mounted(&dest, fd);
}

int fs_overlay(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err)
{
	struct layers layers = { .fds = calloc(op->n_layers + 2, sizeof(int)) };
	int r;

	(void)src_fd;
	if (!layers.fds)
		return err_text(err, ENOMEM, "overlay on '%s'", op->dst);
	r = add_lower(&layers, ctx, op, err);
	if (r == 0 && op->kind == OP_OVERLAY)
		r = add_upper(&layers, AT_FDCWD, fs_host_path(ctx, op, FS_SRC),
		              fs_host_path(ctx, op, FS_WORK), err);
	if (r == 0 && op->kind == OP_TMP_OVERLAY)
		r = add_tmp_upper(&layers, ctx, op, err);
	for (size_t i = 0; r == 0 && i < ctx->plan->overlay_opts.len; i++)
		r = add_text(&layers, op->dst, err, ",%s",
		             VEC_AT(&ctx->plan->overlay_opts, const char *, i));
	if (r == 0)
		r = mount_layers(ctx, op, &layers, err);
	layers_close(&layers);
	return r;
}
