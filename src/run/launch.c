/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launcher: from a checked plan to a running set-up and its monitor. Order matters twice: what
 * can be refused without a process is refused before the clone, and a set-up that somebody outside
 * must do something for (id maps, --info-fd) waits for the word.
 */
#include "run/launch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/caps.h"
#include "run/clone.h"
#include "run/descendants.h"
#include "run/fds.h"
#include "run/landlock.h"
#include "run/limits-hold.h"
#include "run/message.h"
#include "run/monitor.h"
#include "run/net-helper.h"
#include "run/net.h"
#include "run/netns.h"
#include "run/pty.h"
#include "run/report-end.h"
#include "run/report.h"
#include "run/run.h"
#include "run/sync.h"

/* The children are waited for: a caller that ignores SIGCHLD would take their status away. With
 * signals to pass on, they wait in a descriptor until the payload is there. */
static int prepare_signals(struct run *run, struct monitor *monitor, struct err *err)
{
	static const int passed_on[] = { SIGTERM, SIGINT,  SIGHUP,   SIGQUIT, SIGUSR1,
		                         SIGUSR2, SIGTSTP, SIGWINCH, SIGCONT };
	/* the last three are for us, where there is a terminal to look after */
	size_t n = ARRAY_LEN(passed_on) - (run->plan->process.has_pty ? 0 : 3);
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t set;

	if (sigaction(SIGCHLD, &by_default, NULL) < 0)
		return err_step(err, STEP_PRCTL, errno, "SIGCHLD", NULL);
	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, passed_on[i]);
	if (!run->plan->process.forward_signals)
		sigemptyset(&set);
	if (sigprocmask(SIG_BLOCK, &set, &run->caller_mask) < 0)
		return err_step(err, STEP_PRCTL, errno, "signal mask", NULL);
	sigdelset(&run->caller_mask, SIGCHLD);
	monitor->signal_fd = -1;
	if (!run->plan->process.forward_signals)
		return 0;
	monitor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return monitor->signal_fd < 0 ? err_step(err, STEP_PRCTL, errno, "signalfd", NULL) : 0;
}

/* The parent may have died before the signal was asked for: then there is a new one. */
static int die_with_parent(const struct plan *plan, struct err *err)
{
	pid_t parent = getppid();

	if (!plan->process.die_with_parent)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_step(err, STEP_PRCTL, errno, "PR_SET_PDEATHSIG", NULL);
	if (getppid() != parent)
		raise(SIGKILL);
	return 0;
}

static int read_filters(struct run *run, struct err *err)
{
	int r = seccomp_read_profile(run->plan, &run->seccomp, err);

	return r == 0 ? seccomp_read_added(run->plan, &run->seccomp, err) : r;
}

static int prepare(struct run *run, struct monitor *monitor, int pair[2], struct err *err)
{
	const struct plan *plan = run->plan;
	int r = caps_check_caller(err);

	if (r == 0)
		r = fds_prepare(plan, err);
	if (r == 0)
		r = landlock_check(plan, err);
	/* the profile may need a helper, and its end */
	if (r == 0)
		r = prepare_signals(run, monitor, err);
	/* what takes the longest first: it loads while all the rest is done */
	if (r == 0)
		r = limits_hold_prepare(monitor->hold, err);
	if (r == 0)
		r = read_filters(run, err);
	if (r == 0)
		r = die_with_parent(plan, err);
	if (r == 0)
		r = descendants_keep(plan, err);
	if (r == 0)
		r = net_start(plan, run->host, &monitor->net, err);
	if (r < 0)
		return r;
	r = pty_open(plan, &monitor->pty, err);
	if (r < 0)
		return r;
	run->pty = monitor->pty;
	run->net_control = monitor->net.control;
	/* below a joined pid namespace the set-up may exist without our knowing it (clone.c): that
	 * one is not to go on by itself */
	run->wait_for_go = report_is_wanted(plan) || plan->process.userns_block_fd >= 0 ||
	                   (plan->ns.pid && plan->ns.pidns_fd >= 0);
	r = sync_pair(pair);
	return r < 0 ? err_step(err, STEP_SYNC, -r, NULL, NULL) : 0;
}

/* --userns-block-fd: somebody else writes the maps and says so with a byte. */
static int wait_for_maps(const struct plan *plan, struct err *err)
{
	char byte;
	ssize_t n;

	if (plan->process.userns_block_fd < 0)
		return 0;
	do {
		n = read(plan->process.userns_block_fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? err_fd(err, STEP_BLOCK_FD, errno, plan->process.userns_block_fd) : 0;
}

/* What the set-up waits for, if anything. */
static int release_setup(const struct run *run, const struct monitor *monitor, struct err *err)
{
	int r;

	if (!run->wait_for_go)
		return 0;
	r = report_is_wanted(run->plan) ? report_start(run->plan, monitor->child, err) : 0;
	if (r == 0)
		r = wait_for_maps(run->plan, err);
	if (r < 0)
		return r;
	r = sync_send_go(monitor->sync);
	/* a set-up that died is seen by the monitor */
	if (r == -EPIPE || r == -ECONNRESET)
		return 0;
	return r < 0 ? err_step(err, STEP_SYNC, -r, NULL, NULL) : 0;
}

/* The monitor holds on to nothing that the caller may want to see closed. */
static int drop_fds(const struct monitor *monitor, int report_fd, struct err *err)
{
	const struct limits_hold *hold = monitor->hold;
	const struct pty *pty = monitor->pty;
	int keep[] = {
		monitor->sync,
		monitor->child_fd,
		monitor->signal_fd,
		monitor->timeout.fd,
		report_fd,
		monitor->plan->report.json_status_fd,
		monitor->net.control,
		monitor->net.ask,
		hold->cleaner.sock,
		hold->cgroup.base_fd,
		hold->cgroup.payload_fd,
		pty ? pty->keeper_fd : -1,
		pty ? pty->master : -1,
		pty ? pty->slave : -1,
		pty ? pty->tty : -1,
	};
	/* what is not open is -1, which sorts before all, and is passed over */
	int r = fds_close_others(keep, ARRAY_LEN(keep));

	return r < 0 ? err_step(err, STEP_FDS, -r, NULL, NULL) : 0;
}

/* What failed before the monitor took over is told here, and in the report. */
static int fail(struct monitor *monitor, int report_fd)
{
	struct report_end end = {
		.plan = monitor->plan,
		.reason = END_SETUP,
		.code = message_exit_status(monitor->plan, monitor->err),
	};

	message_error(monitor->plan, monitor->err);
	usage_init(&end.usage);
	report_end(&end, report_fd);
	net_stop(&monitor->net);
	limits_hold_end(monitor->hold);
	return end.code;
}

/* While the set-up works, whatever it is to be given is made ready. */
static int supply_setup(const struct run *run, struct monitor *monitor, int report_fd,
                        struct err *err)
{
	int r = limits_hold_begin(monitor->hold, monitor->child, monitor->net.pid, err);

	if (r == 0)
		r = netns_give(run, monitor->sync, monitor->child_fd, err);
	if (r == 0)
		r = release_setup(run, monitor, err);
	if (r == 0)
		r = limits_hold_finish(monitor->hold, monitor->sync, monitor->child_fd, err);
	if (r == 0)
		r = timeout_start(&monitor->timeout, &run->plan->limits, err);
	return r == 0 ? drop_fds(monitor, report_fd, err) : r;
}

static int launch(struct run *run, struct monitor *monitor, int report_fd)
{
	struct err *err = monitor->err;
	int pair[2];
	int r = prepare(run, monitor, pair, err);

	if (r < 0)
		return fail(monitor, report_fd);
	monitor->child = clone_into_namespaces(run->plan, netns_is_beside(run->plan),
	                                       &monitor->child_fd, err);
	if (monitor->child < 0)
		return fail(monitor, report_fd);
	if (monitor->child == 0) {
		close(pair[0]);
		limits_hold_forget(monitor->hold);
		run->sync = pair[1];
		setup_main(run, err);
	}
	close(pair[1]);
	monitor->sync = pair[0];
	r = supply_setup(run, monitor, report_fd, err);
	if (r < 0) {
		(void)kill(monitor->child, SIGKILL);
		(void)waitpid(monitor->child, NULL, __WALL);
		return fail(monitor, report_fd);
	}
	return monitor_run(monitor, report_fd);
}

void launch_begin(const struct plan *plan, struct net *ret)
{
	struct err err;

	*ret = NET_NONE;
	if (plan->net.mode == NET_MODE_USER && !plan->dry_run && !plan->fake_host &&
	    caps_check_caller(&err) == 0 && fds_prepare(plan, &err) == 0)
		(void)net_helper_start(ret, &err);
}

int launch_run(const struct plan *plan, const struct host *host, char **env, struct net *net,
               struct err *err)
{
	struct run run = { .plan = plan,
		           .host = host,
		           .env = env,
		           .net_control = -1,
		           .proc_fd = -1,
		           .cgroup_procs_fd = -1,
		           .cgroup_fd = -1 };
	struct limits_hold hold;
	struct monitor monitor = {
		.plan = plan, .net = *net, .payload_fd = -1, .hold = &hold, .err = err
	};
	int report_fd;
	int code;

	*net = NET_NONE;
	limits_hold_init(&hold, plan);
	if (report_open(plan, &report_fd, err) < 0)
		return fail(&monitor, -1);
	code = launch(&run, &monitor, report_fd);
	if (monitor.pty)
		pty_free(monitor.pty);
	return code;
}
