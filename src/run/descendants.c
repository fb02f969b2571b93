/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/descendants.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/plan.h"
#include "run/limits-hold.h"

static bool is_needed(const struct plan *plan)
{
	return plan->limits.timeout_ns && !plan->ns.pid && !plan->uses_cgroup;
}

int descendants_keep(const struct plan *plan, struct err *err)
{
	if (is_needed(plan) && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_step(err, STEP_PRCTL, errno, "PR_SET_CHILD_SUBREAPER", NULL);
	return 0;
}

/* Signals every child once. Returns how many there were. */
static int kill_children(const struct limits_hold *hold)
{
	char path[64];
	FILE *file;
	int pid;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fscanf(file, "%d", &pid) == 1) {
		if (pid == hold->cleaner.pid || pid == hold->scope_pid)
			continue;
		(void)kill(pid, SIGKILL);
		n++;
	}
	fclose(file);
	return n;
}

/* A killed child leaves its own children to us, so this goes on until there are none. */
void descendants_kill(const struct plan *plan, const struct limits_hold *hold)
{
	if (!is_needed(plan))
		return;
	while (kill_children(hold) > 0) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		(void)poll(NULL, 0, 1);
	}
}
