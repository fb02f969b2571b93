/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --pty: a terminal of the payload's own in place of the caller's (pty(7)). The launcher makes it,
 * the set-up puts it on descriptors 0, 1 and 2, pid 1 is the leader of its session, and the monitor
 * carries the bytes (pty-relay.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#include "core/err.h"

struct plan;
struct run;

/* Bytes on their way; read into only when empty. */
struct pty_bytes {
	size_t at, len;
	char bytes[16384];
};

/* What the keeper sees, too. */
struct pty_modes {
	bool raw;   /* the caller's terminal is in raw mode */
	bool known; /* by us, and caller is what it was before */
	struct termios caller;
};

struct pty {
	int master;       /* -1 when the caller's terminal is gone */
	int slave;        /* kept open, so that the master never reports that nobody has it open */
	int tty;          /* the caller's terminal */
	unsigned int std; /* bit N: descriptor N of the caller is that terminal */
	bool shows;       /* pid 1 brings the payload to the foreground when it asks for input */
	bool lazy;        /* and it starts in the background */
	bool reports;     /* pid 1 tells when the payload stops */
	bool wants;       /* keys are for the payload, if we are in the foreground */
	bool owes_cont;   /* the payload stopped to read and waits until we are in the foreground */
	int payload_fd;   /* pidfd of the leader of the payload's process group, or -1 */
	int keeper_fd;    /* closed, it ends the keeper */
	pid_t keeper;
	struct pty_modes *modes;
	struct pty_bytes in, out;
};

/* Makes the pty with the modes and the size of the caller's terminal, which is standard input.
 * *ret is NULL when the plan has none; else it is freed with pty_free(). All descriptors are
 * close-on-exec. Needs TIOCGPTPEER (Linux 4.13). */
int pty_open(const struct plan *plan, struct pty **ret, struct err *err);
void pty_free(struct pty *pty);

/* Starts the keeper of the caller's modes, which restores them when we are killed. As the payload
 * can stop us, it wakes us for the end of --timeout. */
int pty_keep_modes(struct pty *pty, const struct plan *plan, struct err *err);
void pty_dismiss_keeper(struct pty *pty);
/* Nothing is left for cfmakeraw(3) to do. */
bool pty_modes_are_raw(const struct termios *modes);

/* Setup: puts the slave where the caller's terminal is, and lets go of that. */
int pty_adopt(const struct run *run, struct err *err);
/* Setup, later pid 1 (or the payload itself): leads a session with the slave as its terminal. */
int pty_lead_session(const struct run *run, struct err *err);
/* The payload, below a pid 1: a process group of its own, in the foreground unless lazy. Blocks
 * SIGTTOU. */
int pty_join_session(const struct run *run, struct err *err);
/* Pid 1: the payload has stopped by sig; brings it to the foreground of its terminal if it asked
 * for that. Called with a seccomp filter loaded: makes no call as bwrap, or with a filter from
 * outside. */
void pty_show(const struct run *run, pid_t payload, int sig);
