/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The monitor: what stays outside the sandbox. It waits for the end, passes signals on and turns
 * how the payload ended into an exit status.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "run/net.h"
#include "run/timeout.h"
#include "run/usage.h"

struct plan;
struct limits_hold;
struct pty;

struct monitor {
	const struct plan *plan;
	int sync;        /* our end of the channel */
	pid_t child;     /* the set-up, later pid 1 or the payload */
	int child_fd;    /* its pidfd */
	int signal_fd;   /* signals to pass on, or -1 */
	int payload_fd;  /* pidfd of the payload below a pid 1, or -1 */
	struct net net;  /* the network helper */
	struct pty *pty; /* --pty, or NULL */
	int terms;       /* how many TERM were passed on */
	uint64_t early; /* signals (bit N-1) that came before there was a payload to pass them to */
	int started;    /* the payload was started */
	int failed;     /* the set-up or the exec failed: *err says how */
	int ended;      /* the payload ended: status is final */
	int last;       /* and nothing else is left */
	int status;     /* as wait(2) gives it */
	struct timeout timeout;
	struct limits_hold *hold; /* what holds the limits */
	struct usage usage;
	int net_lost; /* the network helper died, and the sandbox was killed for it: *err */
	struct err *err;
};

/* Waits for the end. Returns the exit status of the program, with what failed printed, and the
 * report written to report_fd (or not, for -1). */
int monitor_run(struct monitor *monitor, int report_fd);
