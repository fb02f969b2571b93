/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last steps in the payload's own process. It may share the memory of pid 1 (vfork): nothing is
 * allocated here, and what is changed is changed for the payload alone. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/plan.h"
#include "run/exec.h"
#include "run/landlock.h"
#include "run/limits-enter.h"
#include "run/pty.h"
#include "run/run.h"
#include "run/sync.h"

void run_fail(const struct run *run, const struct err *err)
{
	if (sync_send_failed(run->sync, err) < 0)
		dprintf(STDERR_FILENO, "sbx: the set-up failed and nobody is left to hear why\n");
	_exit(125);
}

static int keep_death_signal(const struct run *run, struct err *err)
{
	if (run->plan->process.dies_with_us && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_step(err, STEP_PRCTL, errno, "PR_SET_PDEATHSIG", NULL);
	return 0;
}

static int tell_started(const struct run *run, struct err *err)
{
	int r = sync_send_started(run->sync, -1);

	return r < 0 ? err_step(err, STEP_SYNC, -r, NULL, NULL) : 0;
}

void payload_exec(struct run *run)
{
	const struct plan_process *process = &run->plan->process;
	const char *file = process->argv[0];
	struct err err;
	int r = keep_death_signal(run, &err);

	/* below a pid 1 of ours, that one says so */
	if (r == 0 && !process->has_init)
		r = tell_started(run, &err);
	if (r == 0)
		r = pty_join_session(run, &err);
	if (r == 0 && sigprocmask(SIG_SETMASK, &run->caller_mask, NULL) < 0)
		r = err_step(&err, STEP_PRCTL, errno, "signal mask", NULL);
	if (process->argv0)
		process->argv[0] = (char *)process->argv0;
	if (r == 0)
		r = limits_enter_payload(run, &err);
	if (r == 0)
		r = landlock_restrict(run->landlock_fd, &err);
	if (r == 0)
		r = seccomp_apply(&run->seccomp, &err);
	if (r == 0) {
		/* argv[-1] is sbx's own name, or its last option */
		r = exec_along_path(file, process->argv, run->env);
		err_step(&err, STEP_EXEC, -r, file, NULL);
	}
	run_fail(run, &err);
}
