/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operations on the new root: one function a kind, in the order of the plan. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

struct plan;
struct op;
struct root;
struct dest;
struct mount_new;

struct fs_ctx {
	const struct plan *plan;
	struct root *root;
	int *sources; /* one per operation: the source, opened before anything is changed; or -1 */
	char **paths; /* host paths that are opened later, without links and ".." (fs_host_path) */
};

/* Opens every source of the plan, so that a missing one stops the run before anything is made and
 * nobody can swap it later. What exceeds the descriptor limit is opened when its turn comes.
 * Should: run in the new mount namespace. Mustn't: run when the new root is stacked on "/", because
 * ".." leads into it then. Returns 0 or -errno; fs_close_sources() frees in both cases. */
int fs_open_sources(struct fs_ctx *ctx, struct err *err);
void fs_close_sources(struct fs_ctx *ctx);

/* A host path of the plan as it has to be opened once the new root is stacked on "/": which is
 * FS_SRC or FS_WORK of operation op, or FS_LAYER + n for its nth overlay source. */
enum { FS_SRC, FS_WORK, FS_LAYER };
const char *fs_host_path(const struct fs_ctx *ctx, const struct op *op, size_t which);

/* Carries out the plan's operations. Should: run with umask 0. Returns 0 or -errno with err set. */
int fs_apply_all(struct fs_ctx *ctx, struct err *err);

/* fs-data.c, fs-overlay.c, dev.c: kinds with a file of their own. */
typedef int fs_apply_fn(struct fs_ctx *ctx, const struct op *op, int src_fd, struct err *err);
fs_apply_fn fs_file, fs_text, fs_bind_data, fs_overlay, fs_dev, fs_proc, fs_mask;

/* Ends a mount on dest: fd is what mount_bind() or mount_new() gave. What was mounted on the root
 * is the root from now on. Closes both descriptors. Returns 0, or fd when that is -errno. */
int fs_mounted(struct dest *dest, int fd);

/* Binds src_fd, which lies in the tmpfs of our own below the root, on dest. Returns a descriptor of
 * the mount or -errno. */
int fs_bind_own(int src_fd, const char *src, const struct dest *dest, uint64_t attrs,
                struct err *err);

/* Mounts an empty directory in memory, nosuid and nodev, on the operation's destination. */
int fs_mount_empty(struct fs_ctx *ctx, const struct op *op, mode_t mode, struct err *err);

/* Mounts a new file system on the operation's destination, a directory made for it. */
int fs_mount_on_dir(struct fs_ctx *ctx, const struct op *op, const struct mount_new *new,
                    struct err *err);
