/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only place that writes messages to standard error. */
#pragma once

#include "core/err.h"

struct plan;

/* Prints the error and, where one is known, a hint, in the plan's personality. */
void message_error(const struct plan *plan, const struct err *err);

/* Prints the warnings that the parser collected. */
void message_warnings(const struct plan *plan);

/* Prints one more. */
void message_warning(const struct plan *plan, const char *text);

/* The exit status for an error of ours: 1 as bwrap; 125, or 126 and 127 when the payload could not
 * be executed or found. */
int message_exit_status(const struct plan *plan, const struct err *err);
