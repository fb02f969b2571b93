/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct plan;

/* The resolved plan as text, one line a step in the order of execution, as malloc'd memory (NULL
 * without memory). Odd bytes in paths are escaped, so a line is always a step. */
char *plan_print(const struct plan *plan);

/* The same line for one operation, without a newline, for --verbose. */
struct op;
char *plan_print_op(const struct plan *plan, const struct op *op);
