/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The skeleton: what a native sandbox has beside what the user binds, so that programs find the
 * places they take for granted. It lies below the user's operations; what they put at the same
 * place wins.
 */
#pragma once

#include <stdbool.h>

struct plan;
struct host;

/* Whether there is to be one: native, no --bare, nothing of the user's mounted on / itself. */
bool plan_skeleton_wanted(const struct plan *plan);

/* Puts the skeleton's links, directories and mounts before the user's operations. Returns 0 or
 * -ENOMEM. */
int plan_skeleton_mounts(struct plan *plan, const struct host *host);

/* Puts the small files that show the resolved ids and namespaces behind them. Returns 0 or -ENOMEM.
 */
int plan_skeleton_files(struct plan *plan, const struct host *host);

/* Home directory and name of the payload's user inside; valid after plan_skeleton_files(). */
const char *plan_skeleton_home(const struct plan *plan);
const char *plan_skeleton_user(const struct plan *plan);
