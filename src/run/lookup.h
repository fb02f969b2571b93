/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Destinations: paths resolved inside the new root, which no link, "..", magic link or race can
 * leave. openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS (Linux 5.6) where it is there, a
 * walk on descriptors that gives the same answers where it is not. Parents need search permission
 * only, and are made when they are missing.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"
#include "run/parent.h"

struct root {
	int fd;               /* O_PATH: what is "/" for every destination */
	int old_fd;           /* O_PATH: the host's "/", which the new root is stacked on */
	unsigned int covered; /* roots in between, which others were mounted over */
	int base_fd;          /* O_PATH: the tmpfs that we made, also when fd was mounted over */
	dev_t base_dev;       /* its st_dev */
	struct known_parent parent;
	bool has_openat2;
	mode_t parent_mode;        /* of directories made on the way */
	bool refuse_symlinks;      /* --dest-symlinks=refuse: no link as the last component */
	bool has_mount_api;        /* open_tree, move_mount, mount_setattr, fsopen can be used */
	struct mount_table *table; /* the host's mounts, for the old mount API only; lazily read */
};

enum dest_kind {
	DEST_EXISTING, /* O_PATH; must exist */
	DEST_NOFOLLOW, /* O_PATH; must exist; a link is opened itself */
	DEST_DIR,      /* O_PATH; a directory, made with mode when missing */
	DEST_FILE,     /* O_PATH; anything but a directory, made as a file with mode when missing */
	DEST_WRITE,    /* O_WRONLY, created with mode or truncated */
	DEST_PARENT    /* O_PATH of the directory that holds the last component */
};

/* Finds out whether openat2 can be used; force_fallback says that it may not. */
void lookup_probe(struct root *root, bool force_fallback);

/* Opens a destination. Returns a descriptor (close-on-exec), or -errno with err set. */
int dest_open(const struct root *root, const char *path, enum dest_kind kind, mode_t mode,
              struct err *err);

/* Where a mount goes: path inside root, the descriptor of what is there, and whether that is the
 * root itself, by whatever path ("/", "/x/..", a link to "/"). */
struct dest {
	struct root *root;
	const char *path;
	int fd; /* -1: it is name in dir_fd, just made there */
	bool is_root;
	bool made;        /* by us and just now, so a mount on it covers nothing */
	bool cut_off;     /* what the host mounts below the source later does not show here */
	const char *name; /* instead of path: name in dir_fd, a directory of ours; or NULL */
	int dir_fd;
};

/* dest_open() for a mount point: dest->root and dest->path are given. The caller closes dest->fd,
 * and leaves dest->dir_fd alone. Returns 0, or -errno with err set. */
int dest_prepare(struct dest *dest, enum dest_kind kind, mode_t mode, struct err *err);

/* dest->fd, opened if need be; still the caller's to close with dest. Or -errno with err set. */
int dest_fd(struct dest *dest, struct err *err);

/* The fallback alone, without an error text: a descriptor or -errno. */
int lookup_walk(const struct root *root, const char *path, enum dest_kind kind, mode_t mode);

/* The name of the last component, to go with DEST_PARENT; "" when the path ends in none ("/",
 * ".."). */
void lookup_last(const char *path, char ret_name[256]);
