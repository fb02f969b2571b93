/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cleaner: a process that outlives a monitor that is killed. It sits among the helpers, which
 * keeps a scope alive until the last figure was read, and when the monitor lets go of it, by dying
 * or on purpose, it kills what is left in the cgroup and removes what systemd does not remove.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"

struct cgroup;

struct cleaner {
	pid_t pid;
	int sock; /* its end of the file is the word to clean up */
};

/* Starts one that knows of no cgroup yet. Should: be called with nothing in memory that is secret.
 * Returns 0 or -errno with err set. */
int cleaner_start(struct cleaner *cleaner, struct err *err);

/* Tells it of a cgroup that is about to be made in parent_fd: should the monitor be killed before
 * it says more, it is removed, unless there is anything in it. Returns 0 or -errno with err set. */
int cleaner_expect(const struct cleaner *cleaner, const struct cgroup *cgroup, int parent_fd,
                   struct err *err);

/* Takes that back: there is one of that name, and it is somebody else's. */
void cleaner_dismiss(const struct cleaner *cleaner);

/* Tells it which cgroup is its charge. Returns 0 or -errno with err set. */
int cleaner_charge(const struct cleaner *cleaner, const struct cgroup *cgroup, struct err *err);

/* Has it clean up, and waits until it has. Returns false when it had no charge or has failed: then
 * that is left to the caller. */
bool cleaner_finish(struct cleaner *cleaner);
