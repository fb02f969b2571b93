/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/clone.h"
#include "run/descendants.h"
#include "run/limits-hold.h"
#include "run/memory.h"
#include "run/message.h"
#include "run/pty-relay.h"
#include "run/report-end.h"
#include "run/report.h"
#include "run/sync.h"

static int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void send_early(const struct monitor *monitor, int sig)
{
	/* it may have come from the terminal, and the payload may have children by now */
	if (monitor->pty)
		pty_pass_on(monitor->pty, sig);
	else
		(void)clone_signal(
			monitor->payload_fd >= 0 ? monitor->payload_fd : monitor->child_fd, sig);
}

static void start(struct monitor *monitor, int payload_fd)
{
	monitor->started = 1;
	monitor->payload_fd = payload_fd;
	if (monitor->pty)
		pty_started(monitor->pty, payload_fd >= 0 ? payload_fd : monitor->child_fd);
	for (int sig = 1; sig <= 64; sig++)
		if (monitor->early & (uint64_t)1 << (sig - 1))
			send_early(monitor, sig);
	monitor->early = 0;
}

/* Pid 1 ignores what it has no handler for; before the payload is there, a signal waits for it. */
static void deliver(struct monitor *monitor, int sig)
{
	if (monitor->plan->process.has_init && !monitor->started)
		monitor->early |= (uint64_t)1 << (sig - 1);
	else
		(void)clone_signal(
			monitor->payload_fd >= 0 ? monitor->payload_fd : monitor->child_fd, sig);
}

static void kill_all(struct monitor *monitor)
{
	limits_hold_kill(monitor->hold);
	(void)clone_signal(monitor->child_fd, SIGKILL);
}

static void heed_timeout(struct monitor *monitor)
{
	switch (timeout_take(&monitor->timeout)) {
	case TIMEOUT_NOTHING:
		return;
	case TIMEOUT_TERM:
		deliver(monitor, SIGTERM);
		deliver(monitor, SIGCONT);
		return;
	case TIMEOUT_KILL:
		kill_all(monitor);
		return;
	}
}

/* Takes what is on the channel. Returns false when it is closed. */
static bool take_messages(struct monitor *monitor)
{
	struct sync_message message = { .fd = -1 };
	int r;

	while ((r = sync_receive(monitor->sync, true, &message)) > 0) {
		switch ((enum sync_kind)message.kind) {
		case SYNC_FAILED:
			monitor->failed = 1;
			*monitor->err = message.err;
			break;
		case SYNC_STARTED:
			start(monitor, message.fd);
			break;
		case SYNC_EXIT:
			monitor->ended = 1;
			monitor->last = (int)message.last;
			monitor->status = message.wait_status;
			break;
		case SYNC_STOPPED:
			if (monitor->pty)
				pty_stopped(monitor->pty, WSTOPSIG(message.wait_status));
			/* we had stopped, too: the time may be up */
			heed_timeout(monitor);
			break;
		case SYNC_GO:
		case SYNC_CGROUP:
		case SYNC_NETNS:
		default:
			break;
		}
	}
	return r == -EAGAIN;
}

/* The terminal sends to the whole foreground group, the payload included; it gets a signal from us
 * only when it sits in a session of its own. */
static bool is_to_be_passed_on(const struct monitor *monitor, const struct signalfd_siginfo *info)
{
	return info->ssi_code <= 0 || monitor->plan->process.new_session;
}

static void pass_on(struct monitor *monitor, int sig)
{
	if (sig == SIGTERM && ++monitor->terms > 1)
		(void)clone_signal(monitor->child_fd, SIGKILL);
	if (sig == SIGTERM)
		timeout_asked(&monitor->timeout);
	deliver(monitor, sig);
}

static void take_timeout(struct monitor *monitor)
{
	(void)take_messages(monitor);
	heed_timeout(monitor);
}

/* With a terminal of its own the payload hears from the caller's only through us. */
static void take_signal(struct monitor *monitor, const struct signalfd_siginfo *info)
{
	int sig = (int)info->ssi_signo;

	if (monitor->pty && pty_signal(monitor->pty, sig))
		return;
	if (monitor->pty && monitor->started && info->ssi_code > 0)
		pty_pass_on(monitor->pty, sig);
	else if (monitor->pty || is_to_be_passed_on(monitor, info))
		pass_on(monitor, sig);
}

static void take_signals(struct monitor *monitor)
{
	struct signalfd_siginfo info;

	/* the payload's pidfd comes with a message that nobody had reason to read until now */
	(void)take_messages(monitor);
	while (read(monitor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		take_signal(monitor, &info);
}

/* The helper has ended. Before the payload has started, the set-up sees that, too, and has more to
 * say, so it gets a moment. What failed is kept for the end. */
static void lost_network(struct monitor *monitor)
{
	struct pollfd child = { .fd = monitor->child_fd, .events = POLLIN };
	struct err err;

	if (poll(&child, 1, 250) > 0) {
		net_stop(&monitor->net);
		return;
	}
	net_died(&monitor->net, &err);
	if (monitor->plan->net.keep_on_failure)
		return;
	/* whatever fails in the sandbox for it is heard later, and goes first */
	monitor->net_lost = 1;
	if (!monitor->failed)
		*monitor->err = err;
	kill_all(monitor);
}

/* As sbx only the end of the child counts, and messages are read when it has come; as bwrap, pid 1
 * may stay behind for what the payload has left running, so they are read as they come. */
static bool watches_channel(const struct monitor *monitor)
{
	return monitor->early || monitor->pty ||
	       (monitor->plan->personality == PERSONALITY_BWRAP && monitor->plan->process.has_init);
}

/* A status that nobody knows is not a success, and a sandbox that nobody watches is not limited. */
static void lost_sight(struct monitor *monitor, int num)
{
	if (monitor->ended || monitor->failed)
		return;
	monitor->failed = 1;
	err_step(monitor->err, STEP_WAIT, num, "the sandbox", NULL);
	kill_all(monitor);
}

/* A sandbox that lives for a moment need not give back what it is going to use. */
static int wait_for_events(struct pollfd *fds, size_t n, int wait_ms, bool *quiet)
{
	enum { QUIET_MS = 100 };
	int r;

	if (!*quiet && (wait_ms < 0 || wait_ms > QUIET_MS))
		wait_ms = QUIET_MS;
	r = poll(fds, n, wait_ms);
	if (r == 0 && !*quiet) {
		memory_let_go();
		*quiet = true;
	}
	return r;
}

static void wait_for_end(struct monitor *monitor)
{
	enum { PTY_AT = 6 };
	bool open = true;
	bool quiet = false;

	while (!monitor->ended) {
		struct pollfd fds[] = {
			{ .fd = monitor->child_fd, .events = POLLIN },
			{ .fd = monitor->signal_fd, .events = POLLIN },
			{ .fd = open && watches_channel(monitor) ? monitor->sync : -1,
			  .events = POLLIN },
			{ .fd = monitor->timeout.fd, .events = POLLIN },
			{ .fd = monitor->net.control }, /* its end, nothing else */
			{ .fd = monitor->net.ask, .events = POLLIN },
			{ .fd = -1 }, /* PTY_FDS of them */
			{ .fd = -1 },
		};
		int wait_ms = monitor->pty ? pty_wants(monitor->pty, fds + PTY_AT) : -1;

		if (wait_for_events(fds, ARRAY_LEN(fds), wait_ms, &quiet) < 0) {
			if (errno == EINTR)
				continue;
			lost_sight(monitor, errno);
			return;
		}
		if (fds[1].revents)
			take_signals(monitor);
		if (fds[2].revents)
			open = take_messages(monitor);
		if (fds[3].revents)
			take_timeout(monitor);
		if (fds[5].revents)
			net_answer(&monitor->net);
		if (monitor->pty)
			pty_relay(monitor->pty, fds + PTY_AT);
		if (fds[0].revents)
			return;
		if (fds[4].revents)
			lost_network(monitor);
	}
}

/* In a cgroup, or with a time limit, everything ends with the payload. */
static bool ends_all(const struct plan *plan)
{
	return plan->uses_cgroup || plan->limits.timeout_ns;
}

static void note_early_end(struct monitor *monitor, int status)
{
	if (monitor->started || monitor->failed)
		return;
	/* killed by us, because the time was up */
	if (monitor->timeout.expired && WIFSIGNALED(status))
		return;
	monitor->failed = 1;
	if (WIFSIGNALED(status))
		err_text(monitor->err, 0,
		         "the set-up was killed by signal %d before the command could start",
		         WTERMSIG(status));
	else
		err_text(monitor->err, 0, "the set-up ended before the command could start");
}

/* Returns 0 with the status, or -errno. */
static int wait_for_child(struct monitor *monitor, int *ret_status)
{
	struct rusage rusage;

	while (wait4(monitor->child, ret_status, __WALL, &rusage) < 0)
		if (errno != EINTR)
			return -errno;
	usage_add_rusage(&monitor->usage, &rusage);
	return 0;
}

/* Reaps the child, so that its time and memory are ours to show. Not when it stays behind. */
static void reap(struct monitor *monitor)
{
	bool stays = monitor->ended && !monitor->last;
	int status = 0;
	int r;

	if (stays && !ends_all(monitor->plan))
		return;
	if (stays)
		kill_all(monitor);
	r = wait_for_child(monitor, &status);
	(void)take_messages(monitor);
	if (!monitor->ended)
		monitor->status = status;
	if (r < 0)
		lost_sight(monitor, -r);
	note_early_end(monitor, status);
}

static enum end_reason find_reason(const struct monitor *monitor)
{
	if (monitor->failed)
		return END_SETUP;
	if (monitor->timeout.expired)
		return END_TIMEOUT;
	if (monitor->usage.oom_kills > 0 && WIFSIGNALED(monitor->status) &&
	    WTERMSIG(monitor->status) == SIGKILL)
		return END_OOM;
	return WIFSIGNALED(monitor->status) ? END_SIGNAL : END_EXIT;
}

static int find_code(const struct monitor *monitor, enum end_reason reason)
{
	enum { STATUS_TIMEOUT = 124 }; /* as timeout(1) has it */

	if (reason == END_SETUP)
		return message_exit_status(monitor->plan, monitor->err);
	if (reason == END_TIMEOUT)
		return STATUS_TIMEOUT;
	return WIFSIGNALED(monitor->status) ? 128 + WTERMSIG(monitor->status)
	                                    : WEXITSTATUS(monitor->status);
}

static int finish(struct monitor *monitor, int report_fd)
{
	struct report_end end = { .plan = monitor->plan, .backend = monitor->hold->backend };

	if (monitor->failed)
		message_error(monitor->plan, monitor->err);
	if (monitor->hold->cgroup.payload_fd >= 0 && report_end_is_wanted(monitor->plan))
		usage_add_cgroup(&monitor->usage, &monitor->hold->cgroup);
	end.reason = find_reason(monitor);
	end.code = find_code(monitor, end.reason);
	if (end.reason != END_SETUP && WIFSIGNALED(monitor->status))
		end.signal = WTERMSIG(monitor->status);
	end.usage = monitor->usage;
	report_end(&end, report_fd);
	if (end.reason != END_SETUP)
		report_exit(monitor->plan, end.code);
	return end.code;
}

int monitor_run(struct monitor *monitor, int report_fd)
{
	int64_t begin = clock_us();
	int code;

	/* a reader of ours that is gone is no reason to die */
	(void)signal(SIGPIPE, SIG_IGN);
	usage_init(&monitor->usage);
	if (monitor->pty)
		pty_begin(monitor->pty);
	wait_for_end(monitor);
	reap(monitor);
	if (monitor->pty)
		pty_end(monitor->pty, monitor->signal_fd, !monitor->timeout.expired);
	net_stop(&monitor->net);
	if (monitor->net_lost)
		monitor->failed = 1;
	descendants_kill(monitor->plan, monitor->hold);
	limits_hold_sweep(monitor->hold);
	monitor->usage.wall_us = clock_us() - begin;
	code = finish(monitor, report_fd);
	limits_hold_end(monitor->hold);
	return code;
}
