/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of libexec's sbx-scope for a plan. */
#pragma once

#include <stdbool.h>

struct plan;

/* Gives a NULL-terminated argv, its strings and itself to be freed with unit_command_free(); the
 * processes are told, and the answer is expected, on descriptor 3; a connection that is open
 * already is descriptor 4. The helper is the one in $SBX_LIBEXECDIR, else the installed one. NULL
 * without memory. */
char **unit_command(const struct plan *plan, const char *unit, bool is_connected);
void unit_command_free(char **argv);
