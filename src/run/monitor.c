/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/plan.h"
#include "run/message.h"
#include "run/report.h"
#include "run/sync.h"

static int send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

static void start(struct monitor *monitor, int payload_fd)
{
	monitor->started = 1;
	monitor->payload_fd = payload_fd;
	for (int sig = 1; sig <= 64; sig++)
		if (monitor->early & (uint64_t)1 << (sig - 1))
			(void)send_signal(payload_fd >= 0 ? payload_fd : monitor->child_fd, sig);
	monitor->early = 0;
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
			monitor->err = message.err;
			break;
		case SYNC_STARTED:
			start(monitor, message.fd);
			break;
		case SYNC_EXIT:
			monitor->ended = 1;
			monitor->last = (int)message.last;
			monitor->status = message.wait_status;
			break;
		case SYNC_GO:
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

/* Pid 1 ignores what it has no handler for; before the payload is there, a signal waits for it. */
static void pass_on(struct monitor *monitor, int sig)
{
	if (sig == SIGTERM && ++monitor->terms > 1)
		(void)send_signal(monitor->child_fd, SIGKILL);
	if (monitor->plan->process.has_init && !monitor->started)
		monitor->early |= (uint64_t)1 << (sig - 1);
	else
		(void)send_signal(
			monitor->payload_fd >= 0 ? monitor->payload_fd : monitor->child_fd, sig);
}

static void take_signals(struct monitor *monitor)
{
	struct signalfd_siginfo info;

	/* the payload's pidfd comes with a message that nobody had reason to read until now */
	(void)take_messages(monitor);
	while (read(monitor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (is_to_be_passed_on(monitor, &info))
			pass_on(monitor, (int)info.ssi_signo);
}

/* As sbx only the end of the child counts, and messages are read when it has come; as bwrap, pid 1
 * may stay behind for what the payload has left running, so they are read as they come. */
static bool watches_channel(const struct monitor *monitor)
{
	return monitor->early ||
	       (monitor->plan->personality == PERSONALITY_BWRAP && monitor->plan->process.has_init);
}

static void wait_for_end(struct monitor *monitor)
{
	bool open = true;

	while (!monitor->ended) {
		struct pollfd fds[] = {
			{ .fd = monitor->child_fd, .events = POLLIN },
			{ .fd = monitor->signal_fd, .events = POLLIN },
			{ .fd = open && watches_channel(monitor) ? monitor->sync : -1,
			  .events = POLLIN },
		};

		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			take_signals(monitor);
		if (fds[2].revents)
			open = take_messages(monitor);
		if (fds[0].revents)
			return;
	}
}

/* Reaps the child, so that its time and memory are ours to show. Not when it stays behind. */
static void reap(struct monitor *monitor)
{
	int status = 0;
	pid_t pid;

	if (monitor->ended && !monitor->last)
		return;
	do {
		pid = waitpid(monitor->child, &status, __WALL);
	} while (pid < 0 && errno == EINTR);
	(void)take_messages(monitor);
	if (!monitor->ended)
		monitor->status = status;
	if (!monitor->started && !monitor->failed) {
		monitor->failed = 1;
		if (WIFSIGNALED(status))
			err_text(
				&monitor->err, 0,
				"the set-up was killed by signal %d before the command could start",
				WTERMSIG(status));
		else
			err_text(&monitor->err, 0,
			         "the set-up ended before the command could start");
	}
}

int monitor_run(struct monitor *monitor)
{
	int code;

	wait_for_end(monitor);
	reap(monitor);
	if (monitor->failed) {
		message_error(monitor->plan, &monitor->err);
		return message_exit_status(monitor->plan, &monitor->err);
	}
	code = WIFSIGNALED(monitor->status) ? 128 + WTERMSIG(monitor->status)
	                                    : WEXITSTATUS(monitor->status);
	report_exit(monitor->plan, code);
	return code;
}
