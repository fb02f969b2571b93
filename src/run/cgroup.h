/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One sandbox's part of the cgroup v2 tree (cgroup-v2.rst):
 *
 *   BASE                sbx-NAME.scope, made by systemd, or a directory sbx-NAME that we make
 *   BASE/payload        the payload, with the limits
 *   BASE/payload/inner  it, where it could write the files of the cgroup that it is in: with
 *                       --delegate-cgroup, and where namespaces are no borders
 *   BASE/helpers        pid 1, the cleaner, sbx-net
 *
 * Two leaves, because a cgroup with processes of its own can't hand controllers to its children,
 * and because helpers must neither use up the payload's share nor die with it. Everything is read
 * and written through descriptors of the directories, so nothing can be put in their place
 * meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

struct vec;

struct cgroup {
	bool delegate; /* the payload manages a subtree of its own */
	bool ours;     /* we made BASE, so we remove it; else systemd does */
	bool measured; /* every controller is wanted for its figures, where it can be had */
	char *path;    /* of BASE, for messages */
	char *mounts;  /* what cgroup_look() saw */
	int base_fd, payload_fd, helpers_fd;
	int inner_fd; /* where the payload goes, if not into the leaf itself; else -1 */
};

#define CGROUP_NONE_OPEN                                                                           \
	((struct cgroup){ .base_fd = -1, .payload_fd = -1, .helpers_fd = -1, .inner_fd = -1 })

void cgroup_close(struct cgroup *cgroup);

/* Finds out where the tree is mounted, for all that follows. Returns 0 or -errno with err set. */
int cgroup_look(struct cgroup *cgroup, struct err *err);

/* Opens as BASE the cgroup that pid is in, after checking that its last component is unit.
 * Returns 0 or -errno with err set. */
int cgroup_open_scope(struct cgroup *cgroup, pid_t pid, const char *unit, struct err *err);

/* Finds the nearest cgroup at or above the caller's in which the caller may make BASE, as name, and
 * from which controllers (a NULL-terminated list) can be had. Returns it open, with BASE's path
 * set; -ENOENT with err set when there is none; another -errno with err set. */
int cgroup_find_place(struct cgroup *cgroup, const char *name, const char *const *controllers,
                      struct err *err);

/* Makes BASE in it. Returns 0 or -errno with err set. */
int cgroup_make_base(struct cgroup *cgroup, int parent_fd, struct err *err);

/* Makes the leaves, moves the processes that are in BASE, and those of pids, to helpers, and gives
 * the controllers that files (struct limit_file) name to the leaves. */
int cgroup_make_leaves(struct cgroup *cgroup, const struct vec *files, const struct vec *pids,
                       struct err *err);

/* Makes BASE/payload/inner when the payload is to have a subtree of its own, or when the
 * tree's mount makes it necessary. Should: be called when the limits are in force. */
int cgroup_make_inner(struct cgroup *cgroup, struct err *err);

/* Writes each limit to the payload's leaf and sees that it holds. Returns 0, or -errno with err. */
int cgroup_limit(const struct cgroup *cgroup, const struct vec *files, struct err *err);

/* Moves the calling process into it; kills all in it and below. Returns 0 or -errno. */
int cgroup_enter(int dir_fd);
int cgroup_kill(int dir_fd);

/* Waits until no process is left in it or below, at most ms milliseconds. Returns 0, -ETIME, or
 * -errno (-ENODEV: it is gone, and so are they). */
int cgroup_wait_empty(int dir_fd, int ms);

/* Kills what is in BASE, and removes it if we made it. Returns 0, or -errno when it is still there;
 * trying again is all right. */
int cgroup_destroy(const struct cgroup *cgroup);
