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
 * sends it over sock; its device, if it is to have one, goes to the network helper. When that user
 * namespace can't be joined the set-up is told to make its own. Returns 0 or -errno with err set.
 */
int netns_give(const struct run *run, int sock, int child_fd, struct err *err);

/* Set-up: brings lo up in a namespace that the clone made; run->net_is_own says whether it did. */
int netns_begin(struct run *run, struct err *err);

/* Set-up, with its capabilities in the user namespace still there: joins it, or makes it. With
 * --net user early, with the host's /dev and /proc still there; else as late as can be. */
int netns_take_early(const struct run *run, struct err *err);
int netns_take(const struct run *run, struct err *err);
