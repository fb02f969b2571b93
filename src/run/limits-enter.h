/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sandbox's side of its limits: into the leaves, and setrlimit(2). */
#pragma once

#include <sys/types.h>

#include "core/err.h"

struct run;

/* Waits until the monitor has put the limits in force, and makes the cgroup namespace, whose root
 * is to be the payload's leaf. Should: be called with CAP_SYS_ADMIN still there. Does nothing for a
 * plan without a cgroup. Returns 0 or -errno with err set. */
int limits_enter_wait(struct run *run, struct err *err);

/* Forks right into the payload's leaf (clone3 with CLONE_INTO_CGROUP, Linux 5.7), with a pidfd.
 * Returns as fork(2) does; -1 also where that is not possible, and an ordinary child enters on its
 * own. */
pid_t limits_enter_fork(struct run *run, int *ret_pidfd);

/* The last steps of the payload's process: into the leaf if it is not there yet, and --ulimit.
 * Allocates nothing. Returns 0 or -errno with err set. */
int limits_enter_payload(const struct run *run, struct err *err);
