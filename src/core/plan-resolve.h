/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/err.h"

struct plan;
struct host;

/* Fills in what follows from the options and the machine: which user namespaces, which ids, pid 1,
 * the skeleton. Pure: it reads plan and host, writes plan. Returns 0, or -ENOMEM with err set. */
int plan_resolve(struct plan *plan, const struct host *host, struct err *err);

/* Builds the payload's environment from host->environ and the plan, as a NULL-terminated array
 * (free the array, not its strings: they belong to the plan or the environment); PWD is left to
 * the set-up, which knows it: the array has room for one more. Returns NULL without memory. */
char **plan_environment(struct plan *plan, const struct host *host);
