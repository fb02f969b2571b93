/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &got) < 0)
		return err_step(err, STEP_SOURCE_FD, errno, number, NULL);
	if (got.st_dev != want.st_dev || got.st_ino != want.st_ino)
		return err_step(err, STEP_SOURCE_RACE, 0, number, NULL);
	return steal_fd(&fd);
}

int source_open(const struct op *op, struct err *err)
{
	int fd;

	if (op->kind == OP_BIND_FD)
		return reopen_fd(op, err);
	fd = open(op->src, O_PATH | O_CLOEXEC);
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

int fs_open_sources(struct fs_ctx *ctx, struct err *err)
{
	rlim_t spare = spare_descriptors();
	size_t n = ctx->plan->ops.len;

	ctx->sources = malloc((n ? n : 1) * sizeof(*ctx->sources));
	if (!ctx->sources)
		return err_text(err, ENOMEM, "open the sources");
	for (size_t i = 0; i < n; i++)
		ctx->sources[i] = SOURCE_NONE;
	for (size_t i = 0; i < n; i++) {
		const struct op *op = plan_op(ctx->plan, i);

		if (!source_is_needed(op))
			continue;
		if (spare == 0) {
			ctx->sources[i] = SOURCE_LATER;
			continue;
		}
		ctx->sources[i] = source_open(op, err);
		if (ctx->sources[i] < 0 && ctx->sources[i] != SOURCE_ABSENT)
			return ctx->sources[i];
		spare--;
	}
	return 0;
}
