/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the stages of one run share. The launcher fills it; after the clone each process has its own
 * copy. The plan and the host are only read here.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"
#include "run/seccomp.h"

struct plan;
struct host;
struct pty;

struct run {
	const struct plan *plan;
	const struct host *host;
	char **env;            /* the payload's, with room for PWD */
	int sync;              /* our end of the channel */
	const struct pty *pty; /* --pty, or NULL */
	int net_control;       /* the network helper's life line, or -1 */
	bool net_is_own;       /* setup: nobody makes its network for it */
	int proc_fd; /* setup: the host's /proc, for what is to be written after the pivot */
	int cgroup_procs_fd; /* cgroup.procs of the payload's leaf, and the leaf; -1 without limits
	                      */
	int cgroup_fd;
	bool wait_for_go;     /* setup: the monitor has something to do first */
	sigset_t caller_mask; /* signal mask and umask of the caller, restored for the payload */
	mode_t caller_umask;
	int landlock_fd; /* --landlock: the rules, or -1 */
	struct seccomp_programs seccomp;
};

/* The stages. None of them returns: they end in exec or _exit.
 * setup (err is the launcher's, for the stack has room for few of them): Should: build the sandbox
 * in the new namespaces. Mustn't: run anything of the payload's. payload: Should: only set what
 * exec keeps, and exec. Mustn't: make a call but write and execve once a seccomp filter is loaded.
 * init: Should: reap, and report the payload's end. Mustn't: make a call but wait4, write, close
 * and exit_group once a seccomp filter is loaded. */
_Noreturn void setup_main(struct run *run, struct err *err);
_Noreturn void payload_exec(struct run *run);
_Noreturn void init_main(struct run *run, pid_t payload);

/* Starts the payload below a pid 1 of ours, or becomes it; in init.c. Returns only on failure. */
int init_start(struct run *run, struct err *err);

/* Tells the monitor and ends this process. */
_Noreturn void run_fail(const struct run *run, const struct err *err);
