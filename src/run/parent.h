/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directory that something was made in last, kept open: what is made there next needs no
 * lookup. Only one of our own tmpfs is kept, in which nobody else can change a name, and only until
 * something is mounted on what was there before, so that what its path means cannot change.
 */
#pragma once

struct root;

struct known_parent {
	int fd;         /* O_PATH; -1: none */
	char path[256]; /* relative to the root, as it was written, with its slash */
};

/* The directory in which the last component of path can be made, lent, and that component; -1 if it
 * is not known. */
int parent_find(const struct root *root, const char *path, const char **ret_name);

/* Takes *fd, which dir names, over if it is worth keeping. */
void parent_keep(struct root *root, const char *dir, int *fd);

/* Something is mounted where something was before, or all is done. */
void parent_forget(struct root *root);
