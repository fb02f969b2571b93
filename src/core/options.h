/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line: one table of options, and the walk that turns arguments into a plan.
 */
#pragma once

#include <stddef.h>

#include "core/err.h"

struct plan;

/* Reads descriptor fd to its end for --args and closes it. Gives malloc'd bytes that end in a NUL
 * not counted in *ret_len. Returns 0 or -errno. */
typedef int options_read_fn(int fd, char **ret, size_t *ret_len);

/* Parses argv[1..argc-1] into plan, which plan_init() made. plan->process.argv points into argv (or
 * is NULL when no command was given). Returns 0, or -errno with err set; what was parsed until then
 * stays in the plan (the caller wants --level-prefix and the warnings). */
int options_parse(struct plan *plan, int argc, char **argv, options_read_fn *read, struct err *err);

/* The help text, grouped, as malloc'd memory (NULL without memory). */
char *options_usage(const char *program);

/* One option a line, tab separated: name, number of arguments, metavars, group, bwrap or native,
 * help. */
char *options_list(void);

/* Checks the table itself: names unique and sorted into groups, metavars match the argument counts,
 * help fits. Returns the name of the first bad row, or NULL. */
const char *options_selfcheck(void);
