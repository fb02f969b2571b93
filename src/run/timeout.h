/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The time limit: first a TERM (and a CONT, or a stopped payload would not hear it), then, when
 * that did not help, the KILL that nothing withstands. A timer on a descriptor for the monitor's
 * poll.
 */
#pragma once

#include <stdbool.h>

#include "core/err.h"

struct limits;

enum timeout_step {
	TIMEOUT_NOTHING,
	TIMEOUT_TERM, /* the time is over: ask */
	TIMEOUT_KILL  /* and so is the time to comply */
};

struct timeout {
	const struct limits *limits;
	int fd;       /* a timerfd, or -1 */
	bool expired; /* --timeout has passed */
	bool asked;   /* a TERM was sent; the timer runs for the KILL */
};

/* Makes the timer when the limits may need one, and starts it when there is a time limit. Returns 0
 * or -errno with err set. */
int timeout_start(struct timeout *timeout, const struct limits *limits, struct err *err);

/* What is to be done now that the descriptor can be read; for TIMEOUT_TERM the timer for the KILL
 * is running afterwards. */
enum timeout_step timeout_take(struct timeout *timeout);

/* A TERM was sent for another reason: with --kill-after given, the timer for the KILL starts. */
void timeout_asked(struct timeout *timeout);
