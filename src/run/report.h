/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --info-fd and --json-status-fd: what programs that drive the sandbox read. */
#pragma once

#include <sys/types.h>

#include "core/err.h"

struct plan;

/* Whether the monitor must write before the set-up goes on. */
int report_is_wanted(const struct plan *plan);

/* Writes pid and namespaces of the new sandbox to both descriptors, each in one write, and closes
 * --info-fd. Returns 0 or -errno. */
int report_start(const struct plan *plan, pid_t pid, struct err *err);

/* Writes the payload's exit status (0 to 255) to --json-status-fd. A reader that is gone is no
 * error. */
void report_exit(const struct plan *plan, int status);
