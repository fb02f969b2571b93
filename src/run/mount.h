/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts, from descriptors to descriptors. With the new mount API (Linux 5.12) a tree is cloned,
 * given its flags and only then attached, so no moment exists in which it is visible without them;
 * mount-old.c does the same with mount(2) where the API is missing or filtered.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "run/lookup.h"

struct mount_option {
	const char *key;
	const char *value; /* NULL for a flag */
};

/* Finds out whether the new API can be used; force_old says that it may not. */
void mount_probe(struct root *root, bool force_old);

/* Binds the tree at src_fd (O_PATH, of this mount namespace) on dest, with the MOUNT_ATTR_* attrs
 * added to every mount in it. Returns a descriptor of the new mount's root, or -errno with err set.
 */
int mount_bind(int src_fd, const char *src, const struct dest *dest, uint64_t attrs,
               struct err *err);

/* The same for the file src on name in dirfd, a directory of ours in which nobody else can change a
 * name; with the new API only. Returns 0 or -errno. */
int mount_bind_name(const char *src, int dirfd, const char *name, uint64_t attrs, struct err *err);

/* Mounts a new file system of type on dest; options end with a NULL key, step names the failure.
 * Returns a descriptor of its root, or -errno with err set. */
struct mount_new {
	const char *type;
	const struct mount_option *options;
	uint64_t attrs;
	enum step step;
};
int mount_new(const struct mount_new *new, const struct dest *dest, struct err *err);

/* Adds attrs to the one mount whose root fd is. Returns 0 or -errno; -EINVAL when fd is no mount's
 * root. */
int mount_restrict(const struct root *root, int fd, uint64_t attrs);

/* Sets how the mount whose root fd is propagates: MS_UNBINDABLE, MS_PRIVATE. Returns 0 or -errno.
 */
int mount_propagation(const struct root *root, int fd, unsigned long type);

/* Opens the topmost mount on dest after a mount(2) there. Returns a descriptor or -errno. */
int mount_top(const struct dest *dest);

/* The same with mount(2). */
int mount_old_bind(int src_fd, const char *src, const struct dest *dest, uint64_t attrs,
                   struct err *err);
int mount_old_new(const struct mount_new *new, const struct dest *dest, struct err *err);
int mount_old_restrict(int fd, uint64_t attrs);
void mount_old_free(struct root *root);

/* Writes "/proc/self/fd/N" for old interfaces that take only paths. */
enum { FD_PATH_MAX = 32 };
void fd_path(int fd, char ret_path[FD_PATH_MAX]);
