/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holds a run's limits: gets a cgroup from the user's systemd (through libexec's sbx-scope) or from
 * a writable part of the tree, puts the limits in force, and cleans up in the end.
 */
#pragma once

#include <sys/types.h>

#include "core/err.h"
#include "core/vec.h"
#include "run/cgroup-cleaner.h"
#include "run/cgroup.h"

struct plan;

struct limits_hold {
	const struct plan *plan;
	const char *backend; /* "systemd", "cgroupfs", or NULL when no cgroup is used */
	struct vec files;    /* struct limit_file */
	struct vec pids;     /* pid_t: whom to move */
	char *unit;          /* "sbx-NAME.scope" */
	pid_t scope_pid;     /* sbx-scope, while it runs */
	int scope_sock;      /* its answer comes here */
	struct cleaner cleaner;
	struct cgroup cgroup;
};

void limits_hold_init(struct limits_hold *hold, const struct plan *plan);

/* Starts what takes the most time, the helper that asks systemd. Should: be called as early as may
 * be, before there is a sandbox. Does nothing for a plan without a cgroup. Returns 0 or -errno with
 * err set. */
int limits_hold_prepare(struct limits_hold *hold, struct err *err);

/* In a child: lets go of what only the monitor may hold. */
void limits_hold_forget(struct limits_hold *hold);

/* Tells the helper whom to move, and starts the cleaner, where one is needed. child is the set-up,
 * which may go on meanwhile; net the network's helper, or 0. Returns 0 or -errno with err set. */
int limits_hold_begin(struct limits_hold *hold, pid_t child, pid_t net, struct err *err);

/* Waits for the cgroup and puts the limits in force; tells the set-up at sock. Stops waiting when
 * child_fd, a pidfd, says that the set-up has died. Returns 0, or -errno with err set; nothing of
 * the payload's may run then. */
int limits_hold_finish(struct limits_hold *hold, int sock, int child_fd, struct err *err);

/* Kills what is left in the sandbox's cgroup and waits until it is gone. */
void limits_hold_kill(const struct limits_hold *hold);

/* The same when the set-up's process is dead: where that is the end of a pid namespace there is
 * nothing left, and systemd, which is at it by then, is not waited for. */
void limits_hold_sweep(const struct limits_hold *hold);

/* Gives everything back. Nothing of the sandbox is left in its cgroup afterwards. */
void limits_hold_end(struct limits_hold *hold);
