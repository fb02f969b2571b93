/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper's own confinement, in two steps: first everything but the network taken away, then
 * every system call it no longer needs. Failing at either is fatal to the helper.
 */
#pragma once

#include <stdbool.h>

struct err;

/* The first of all: 0 to 2 may have been closed by whoever started us, and nothing of ours is to
 * land there; and writing to what nobody reads is no reason to end. 0 or -errno. */
int isolate_begin(void);

/* Raises the descriptor limit, forbids core dumps and new privileges. */
int isolate_limits(struct err *err);

/*
 * Should: leave the caller in mount, ipc and uts namespaces (and a user namespace, unless it has
 * the rights already: new_user says so) of its own, in an empty read-only root, without any
 * capability.
 * Mustn't: touch the network namespace, whose sockets are the whole point. Nothing can be opened
 * afterwards.
 */
int isolate_namespaces(bool new_user, struct err *err);

/* Loads the seccomp allow-list; others get EPERM. Threads must have been started before. */
int isolate_seccomp(struct err *err);
