/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/limits-enter.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "core/plan.h"
#include "run/cgroup-protect.h"
#include "run/run.h"
#include "run/sync.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

static int enter(int procs_fd, const char *leaf, struct err *err)
{
	ssize_t n;

	do
		n = write(procs_fd, "0", 1);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_text(err, errno, "enter the cgroup of the %s", leaf) : 0;
}

/* A cgroup namespace has the cgroup of its maker as its root. Both files were opened by the monitor
 * in its own namespace, which is what counts for the right to move (Linux 5.16). */
static int make_namespace(const struct run *run, int helpers_fd, struct err *err)
{
	int r;

	if (!run->plan->ns.cgroup)
		return 0;
	r = enter(run->cgroup_procs_fd, "payload", err);
	if (r == 0 && unshare(CLONE_NEWCGROUP) < 0)
		r = err_step(err, STEP_UNSHARE, errno, "cgroup", NULL);
	if (r == 0 && run->plan->limits.delegate)
		r = cgroup_mount_own(err);
	if (r == 0 && run->plan->process.has_init)
		r = enter(helpers_fd, "helpers", err);
	return r;
}

int limits_enter_wait(struct run *run, struct err *err)
{
	struct sync_message message;
	cleanup_fd int helpers_fd = -1;
	int r;

	if (!run->plan->uses_cgroup)
		return 0;
	r = cgroup_protect_mounts(run->proc_fd, err);
	if (r < 0)
		return r;
	r = sync_receive(run->sync, false, &message);
	if (r == 0)
		_exit(125); /* the monitor gave up, and has said why */
	if (r < 0 || message.kind != SYNC_CGROUP || message.fds[SYNC_FDS - 1] < 0)
		return err_step(err, STEP_SYNC, r < 0 ? -r : EBADMSG, NULL, NULL);
	run->cgroup_procs_fd = message.fds[0];
	helpers_fd = message.fds[1];
	run->cgroup_fd = message.fds[2];
	return make_namespace(run, helpers_fd, err);
}

pid_t limits_enter_fork(struct run *run, int *ret_pidfd)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)run->cgroup_fd,
	};
	pid_t pid;

	/* from within the namespace the leaf is not below our own, so the kernel would say no */
	if (run->cgroup_fd < 0 || run->plan->ns.cgroup)
		return -1;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		run->cgroup_procs_fd = -1;
	else if (pid > 0)
		*ret_pidfd = pidfd;
	return pid;
}

static int set_ulimits(const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->limits.ulimits.len; i++) {
		const struct ulimit *limit = &VEC_AT(&plan->limits.ulimits, struct ulimit, i);
		struct rlimit rlimit = { limit->soft, limit->hard };
		const char *name = "";
		int resource = -1;

		if (limit->soft == ULIMIT_NONE)
			rlimit.rlim_cur = RLIM_INFINITY;
		if (limit->hard == ULIMIT_NONE)
			rlimit.rlim_max = RLIM_INFINITY;
		if (setrlimit(limit->resource, &rlimit) == 0)
			continue;
		for (size_t k = 0; resource != limit->resource; k++)
			name = ulimit_name(k, &resource);
		return err_text(err, errno, "--ulimit %s: set the limit", name);
	}
	return 0;
}

int limits_enter_payload(const struct run *run, struct err *err)
{
	int r = run->cgroup_procs_fd >= 0 ? enter(run->cgroup_procs_fd, "payload", err) : 0;

	return r == 0 ? set_ulimits(run->plan, err) : r;
}
