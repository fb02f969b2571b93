/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* User namespaces: id maps, the second namespace, forbidding more of them (user_namespaces(7)). */
#pragma once

#include "core/err.h"

struct run;

/* Writes the maps of the namespace we were cloned into. Returns 0 or -errno. */
int userns_map_first(const struct run *run, struct err *err);

/* In a namespace joined with --userns: changes to --uid and --gid. Returns 0 or -errno. */
int userns_switch_ids(const struct run *run, struct err *err);

/* --disable-userns, first half: lets only one more namespace be made. Should: come before the
 * pivot. */
int userns_limit(const struct run *run, struct err *err);

/* --userns2 or the namespace with the payload's ids. Should: come after the last mount.
 * Returns 0 or -errno. */
int userns_enter_second(const struct run *run, struct err *err);

/* --disable-userns, --assert-userns-disabled: fails when a namespace can still be made. */
int userns_check_disabled(const struct run *run, struct err *err);
