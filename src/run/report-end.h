/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The report: how a run ended and what it used, as one JSON object or as a few lines for people. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/err.h"
#include "run/usage.h"

struct plan;

enum end_reason { END_EXIT, END_SIGNAL, END_TIMEOUT, END_OOM, END_SETUP };

struct report_end {
	const struct plan *plan;
	enum end_reason reason;
	int code;            /* the exit status of the program */
	int signal;          /* that ended the payload; 0 for none */
	const char *backend; /* what held the limits; NULL: no cgroup */
	struct usage usage;
};

/* Opens --report's file; *ret_fd is -1 when there is none to open. Returns 0 or -errno, err set. */
int report_open(const struct plan *plan, int *ret_fd, struct err *err);

/* Whether anybody asked how it ended and what it used. */
bool report_end_is_wanted(const struct plan *plan);

/* Writes to the file (fd, closed afterwards), to standard error for "-", and to the status fd. A
 * file that can't be written is told; the run is over, and its status stands. */
void report_end(const struct report_end *end, int fd);

/* One line of JSON, and the lines for people. Exposed for the tests. */
void report_print_json(FILE *out, const struct report_end *end);
void report_print_text(FILE *out, const struct report_end *end);
