/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A network namespace that is made beside the set-up. The kernel takes longer for one than for all
 * the rest of the root, so where nobody has to see it earlier, a child of the monitor makes it in
 * the sandbox's user namespace, on another processor, while the set-up mounts. With --net user its
 * device, the addresses and the rule of the fast path take as long again, and are made there, too.
 */
#pragma once

#include <stdbool.h>

#include "core/err.h"

struct plan;
struct run;

/* Whether it is made so; else clone3(2) makes it with all others. */
bool netns_is_beside(const struct plan *plan);

/* Monitor: makes it, with lo up, owned by the user namespace of the process behind child_fd, and
 * sends it over sock, with its device if it is to have one. When that user namespace can't be
 * joined the set-up is told to make its own. Returns 0 or -errno with err set. */
int netns_give(const struct plan *plan, int sock, int child_fd, struct err *err);

/* Set-up, with the host's /dev still there: brings lo up in a namespace that the clone made. With
 * --net user it hears whether somebody makes the network for it, or else makes the namespace
 * itself; run->net_is_own says which. */
int netns_begin(struct run *run, struct err *err);

/* Set-up, with its capabilities in the user namespace still there: joins it. */
int netns_take(const struct run *run, struct err *err);
