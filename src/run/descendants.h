/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A time limit where neither a pid namespace nor a cgroup ends everything at once: what the payload
 * has started, however often it forked, becomes our child when its parent ends, and is killed.
 */
#pragma once

#include "core/err.h"

struct plan;
struct limits_hold;

/* Asks for orphaned descendants to become our children, if the plan needs it. 0 or -errno, err set.
 */
int descendants_keep(const struct plan *plan, struct err *err);

/* Kills them all, if descendants_keep() asked for them, but for the processes of hold. */
void descendants_kill(const struct plan *plan, const struct limits_hold *hold);
