/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pid 1 of the sandbox (or, without a pid namespace, the process that holds its locks): starts the
 * payload, reaps, and says how the payload ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/caps.h"
#include "run/clone.h"
#include "run/fds.h"
#include "run/limits-enter.h"
#include "run/memory.h"
#include "run/pty.h"
#include "run/run.h"
#include "run/sync.h"

/* The locks are this process's: they last as long as it does. Kept open, never read. */
static int take_locks(const struct plan *plan, int *fds, struct err *err)
{
	for (size_t i = 0; i < plan->lock_files.len; i++) {
		const char *path = VEC_AT(&plan->lock_files, const char *, i);
		struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

		fds[i] = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fds[i] < 0)
			return err_step(err, STEP_LOCK_OPEN, errno, path, NULL);
		if (fcntl(fds[i], F_SETLK, &lock) < 0)
			return err_step(err, STEP_LOCK, errno, path, NULL);
	}
	return 0;
}

static int run_payload(void *run)
{
	payload_exec(run);
}

/* Shared memory spares the copy of the page tables; a new time namespace is entered only by a real
 * fork. */
static pid_t start_payload(struct run *run, int *ret_pidfd)
{
	const struct plan_process *process = &run->plan->process;
	unsigned int flags = 0;
	pid_t pid = limits_enter_fork(run, ret_pidfd);

	if (pid == 0)
		payload_exec(run);
	if (pid > 0)
		return pid;
	if (!run->plan->ns.time)
		flags |= CLONE_SHARES_MEMORY;
	if (process->forward_signals || run->plan->limits.timeout_ns)
		flags |= CLONE_WITH_PIDFD;
	return clone_function(run_payload, run, flags, ret_pidfd);
}

/* Lets go of everything that is not pid 1's business; the payload has started, or has failed. */
static int keep_only_own_fds(const struct run *run, int *locks, struct err *err)
{
	size_t n = run->plan->lock_files.len;
	int r;

	locks[n++] = run->sync;
	if (run->plan->process.sync_fd >= 0)
		locks[n++] = run->plan->process.sync_fd;
	if (run->pty)
		locks[n++] = run->pty->slave;
	r = fds_close_others(locks, n);
	return r < 0 ? err_step(err, STEP_FDS, -r, NULL, NULL) : 0;
}

static int set_dumpable(bool on, struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, on, 0, 0, 0) < 0)
		return err_step(err, STEP_PRCTL, errno, "PR_SET_DUMPABLE", NULL);
	return 0;
}

/* The payload runs before we have let go of the caller's descriptors. To one of a directory it
 * could get through our /proc/PID/fd, and from there to the host, which is why we are not dumpable
 * until then (proc(5), ptrace(2)). What it executes has memory, and so the attribute, of its own.
 */
static int hide(struct err *err)
{
	return set_dumpable(false, err);
}

/* As sbx we stay hidden: our memory still holds the caller's environment and its --args. As bwrap,
 * callers enter the sandbox through the pid 1 that they are told. Without a pid namespace nothing
 * ends what the payload leaves behind: it could take a handle on our program from /proc, end us,
 * and write to the program once nobody runs it. */
static int show(const struct plan *plan, struct err *err)
{
	bool in_pidns = plan->ns.pid || plan->ns.pidns_fd >= 0;

	return in_pidns && plan->personality == PERSONALITY_BWRAP ? set_dumpable(true, err) : 0;
}

/* Pid 1 of a namespace hears no signal that it has no handler for, but one that is blocked waits.
 * The payload is not there yet to be told by who ends the cgroup. */
static int check_not_ended(struct err *err)
{
	sigset_t set;

	if (sigpending(&set) == 0 && sigismember(&set, SIGTERM))
		return err_text(err, 0,
		                "the set-up was ended by SIGTERM before the command could start");
	return 0;
}

int init_start(struct run *run, struct err *err)
{
	cleanup_free int *locks = calloc(run->plan->lock_files.len + 3, sizeof(*locks));
	int pidfd;
	pid_t pid;
	int r;

	if (!locks)
		return err_text(err, ENOMEM, "start pid 1");
	r = take_locks(run->plan, locks, err);
	if (r == 0)
		r = hide(err);
	if (r == 0)
		r = check_not_ended(err);
	/* pid 1 is never seen without a filter, and the payload needs not load it once more */
	if (r == 0)
		r = seccomp_apply_early(&run->seccomp, err);
	if (r < 0)
		return r;
	pid = start_payload(run, &pidfd);
	if (pid < 0)
		return err_step(err, STEP_FORK, -pid, "the payload", NULL);
	r = sync_send_started(run->sync, pidfd);
	r = r < 0 ? err_step(err, STEP_SYNC, -r, NULL, NULL) : keep_only_own_fds(run, locks, err);
	/* to wait needs none; as sbx a filter may be there already, and nobody sees pid 1 */
	if (r == 0 && run->plan->personality == PERSONALITY_BWRAP && caps_planned(run->plan))
		r = caps_give_up(err);
	if (r == 0)
		r = show(run->plan, err);
	memory_let_go();
	/* bwrap's callers count on their filter to hold for pid 1, too */
	if (r == 0)
		r = seccomp_apply(&run->seccomp, err);
	if (r == 0)
		init_main(run, pid);
	/* without a pid namespace our end would not be the payload's */
	(void)kill(pid, SIGKILL);
	return r;
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void init_main(struct run *run, pid_t payload)
{
	bool native = run->plan->personality == PERSONALITY_NATIVE;
	int code = 125;

	for (;;) {
		int status;
		pid_t pid = wait4(-1, &status, run->pty ? WUNTRACED : 0, NULL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0 && errno != ECHILD) {
			struct err err;

			err_step(&err, STEP_WAIT, errno, "the payload", NULL);
			run_fail(run, &err);
		}
		if (pid < 0) /* the last one is gone */
			_exit(code);
		if (pid != payload)
			continue;
		if (WIFSTOPPED(status)) {
			pty_show(run, payload, WSTOPSIG(status));
			(void)sync_send_stopped(run->sync, status);
			continue;
		}
		code = exit_code(status);
		/* as sbx, the sandbox ends with its payload: the kernel kills what is left of the
		 * pid namespace with us. As bwrap, the rest lives on, and so do we. */
		if (native || (wait4(-1, NULL, WNOHANG, NULL) < 0 && errno == ECHILD)) {
			(void)sync_send_exit(run->sync, status, true);
			_exit(code);
		}
		(void)sync_send_exit(run->sync, status, false);
	}
}
