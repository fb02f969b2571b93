/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/err.h"

struct plan;
struct host;

/* Refuses a resolved plan that contradicts itself or the machine. Pure; nothing after it may refuse
 * the command line. Returns 0, or -errno with err set to the first rule broken. */
int plan_check(const struct plan *plan, const struct host *host, struct err *err);
