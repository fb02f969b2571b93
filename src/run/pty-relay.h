/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The monitor's side of --pty: carries bytes between the caller's terminal and the payload's, and
 * keeps the modes, the size and the job control of the two in step. Nothing here fails: a terminal
 * that cannot be used is one that has gone, and the payload is told so as by any terminal (SIGHUP).
 */
#pragma once

#include <poll.h>
#include <stdbool.h>

struct pty;

enum { PTY_FDS = 2 };

/* The terminal is the payload's from here on. */
void pty_begin(struct pty *pty);
/* The payload, or pid 1 in its place, can be signalled through this; stays the monitor's. */
void pty_started(struct pty *pty, int payload_fd);
/* What to wait for; returns how long at most, in ms, or -1. */
int pty_wants(const struct pty *pty, struct pollfd fds[PTY_FDS]);
/* Does what there is to do after poll(2). */
void pty_relay(struct pty *pty, const struct pollfd fds[PTY_FDS]);
/* One of SIGWINCH, SIGCONT and SIGTSTP came for us. Returns false for all others. */
bool pty_signal(struct pty *pty, int sig);
/* A signal of the caller's terminal, for all that the payload runs in its foreground. */
void pty_pass_on(struct pty *pty, int sig);
/* The payload was stopped by sig: so are we, until somebody wants us to go on. */
void pty_stopped(struct pty *pty, int sig);
/* The payload has ended: shows all that it wrote, unless a signal comes in signal_fd, and restores
 * the caller's terminal. Unless it waits, only what the terminal takes at once. */
void pty_end(struct pty *pty, int signal_fd, bool waits);
