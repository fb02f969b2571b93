/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Follows a command line of sbx with ptrace(2) and either logs each system call that sbx makes, or
 * makes one of them fail, or kills the process there. What the payload does after its exec is left
 * alone.
 *
 * A call is named STAGE:NAME:N, the Nth of that name in that process. The stages are roles that a
 * process has at the time: launcher, then monitor after its first clone; setup, then pid1 after its
 * own; payload until the exec; netns, which the monitor stands still for. Numbers go on through
 * both roles of a process. Below a joined pid namespace there is one process more in between, and
 * those after it move on by one role.
 *
 * The log has one line an event: call STAGE NAME N short|whole, injected, crash STAGE SIGNAL,
 * aborted STAGE SIGNAL, hang COUNT, left COUNT, status WAITSTATUS.
 */
#pragma once

#include <stdio.h>
#include <sys/types.h>

enum { FAULT_SHORT = -1, FAULT_KILL = -2 };

struct fault {
	char stage[16];
	char name[32];
	unsigned int n;
	int num; /* errno, FAULT_SHORT, FAULT_KILL, or 0: log every call */
};

/* Follows launcher, which waits to be let go by a byte into gate_fd, and all that comes of it until
 * the last process is gone or the time is up; cgroup is a made-up tree or NULL. Returns 0, or -1
 * when it could not be traced. Has to be the only user of waitpid(2), SIGALRM and its timer. */
int trace_run(pid_t launcher, int gate_fd, const struct fault *fault, const char *cgroup,
              FILE *log);
