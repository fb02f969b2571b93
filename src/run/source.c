/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/op.h"
#include "core/plan.h"
#include "run/fs-op.h"
#include "run/mount.h"

bool source_is_needed(const struct op *op)
{
	return op->kind == OP_BIND || op->kind == OP_BIND_FD;
}

/* A descriptor from before the clone shows a mount of the caller's namespace, which cannot be
 * mounted here. Its path is opened again and must lead to the same file. */
static int reopen_fd(const struct op *op, struct err *err)
{
	char link[FD_PATH_MAX];
	char path[PATH_MAX];
	char number[16];
	struct stat want;
	struct stat got;
	cleanup_fd int fd = -1;
	ssize_t len;

	snprintf(number, sizeof(number), "%d", op->fd);
	fd_path(op->fd, link);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0 || fstat(op->fd, &want) < 0)
		return err_step(err, STEP_SOURCE_FD, errno == ENOENT ? EBADF : errno, number, NULL);
	path[len] = '\0';
	fd = openat(AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &got) < 0)
		return err_step(err, STEP_SOURCE_FD, errno, number, NULL);
	if (got.st_dev != want.st_dev || got.st_ino != want.st_ino)
		return err_step(err, STEP_SOURCE_RACE, 0, number, NULL);
	return steal_fd(&fd);
}

int source_open(const struct op *op, const char *path, struct err *err)
{
	int fd;

	if (op->kind == OP_BIND_FD)
		return reopen_fd(op, err);
	fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT && (op->flags & OP_TRY))
		return SOURCE_ABSENT;
	return err_step(err, STEP_SOURCE, errno, op->src, NULL);
}

/* A few descriptors stay free for the operations themselves. */
static rlim_t spare_descriptors(void)
{
	enum { OWN = 64 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < OWN)
		return 0;
	return limit.rlim_cur - OWN;
}

/* Where in ctx->paths the paths of an operation begin: two for each operation before it, and the
 * overlay sources, which the plan has in the same order. */
static size_t path_index(const struct fs_ctx *ctx, const struct op *op, size_t which)
{
	size_t n = (size_t)(op - plan_op(ctx->plan, 0));

	return which < FS_LAYER ? 2 * n + which
	                        : 2 * ctx->plan->ops.len + op->layers_at + which - FS_LAYER;
}

const char *fs_host_path(const struct fs_ctx *ctx, const struct op *op, size_t which)
{
	return ctx->paths[path_index(ctx, op, which)];
}

/* What cannot be made free of links (a magic link, a path that is missing) stays as it is: opening
 * it gives the error, if there is one. */
static int keep_path(struct fs_ctx *ctx, const struct op *op, size_t which, const char *path)
{
	char *text = realpath(path, NULL);

	if (!text)
		text = strdup(path);
	ctx->paths[path_index(ctx, op, which)] = text;
	return text ? 0 : -ENOMEM;
}

static int keep_overlay(struct fs_ctx *ctx, const struct op *op)
{
	int r = 0;

	if (op->kind == OP_OVERLAY) {
		r = keep_path(ctx, op, FS_SRC, op->src);
		if (r == 0)
			r = keep_path(ctx, op, FS_WORK, op->work);
	}
	for (size_t i = 0; r == 0 && i < op->n_layers; i++)
		r = keep_path(ctx, op, FS_LAYER + i,
		              VEC_AT(&ctx->plan->layers, const char *, op->layers_at + i));
	return r;
}

static int open_one(struct fs_ctx *ctx, size_t i, rlim_t *spare, struct err *err)
{
	const struct op *op = plan_op(ctx->plan, i);
	int r = keep_overlay(ctx, op);

	if (r == 0 && source_is_needed(op) && *spare == 0) {
		ctx->sources[i] = SOURCE_LATER;
		r = op->kind == OP_BIND ? keep_path(ctx, op, FS_SRC, op->src) : 0;
	} else if (r == 0 && source_is_needed(op)) {
		(*spare)--;
		ctx->sources[i] = source_open(op, op->src, err);
		if (ctx->sources[i] < 0 && ctx->sources[i] != SOURCE_ABSENT)
			return ctx->sources[i];
	}
	return r < 0 ? err_text(err, -r, "open the sources") : 0;
}

int fs_open_sources(struct fs_ctx *ctx, struct err *err)
{
	rlim_t spare = spare_descriptors();
	size_t n = ctx->plan->ops.len;
	int r = 0;

	ctx->sources = malloc((n + 1) * sizeof(*ctx->sources));
	ctx->paths = calloc(2 * n + ctx->plan->layers.len + 1, sizeof(*ctx->paths));
	if (!ctx->sources || !ctx->paths)
		return err_text(err, ENOMEM, "open the sources");
	for (size_t i = 0; i < n; i++)
		ctx->sources[i] = SOURCE_NONE;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = open_one(ctx, i, &spare, err);
	return r;
}

void fs_close_sources(struct fs_ctx *ctx)
{
	size_t n = ctx->paths ? 2 * ctx->plan->ops.len + ctx->plan->layers.len : 0;

	for (size_t i = 0; i < n; i++)
		free(ctx->paths[i]);
	free(ctx->paths);
	free(ctx->sources);
}
