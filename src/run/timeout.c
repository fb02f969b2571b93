/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/timeout.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/limits.h"

/* 0 stops the timer, as 0 is no limit. */
static int set_timer(int fd, uint64_t ns)
{
	struct itimerspec spec = { .it_value = { .tv_sec = (time_t)(ns / 1000000000),
		                                 .tv_nsec = (long)(ns % 1000000000) } };

	return timerfd_settime(fd, 0, &spec, NULL);
}

int timeout_start(struct timeout *timeout, const struct limits *limits, struct err *err)
{
	*timeout = (struct timeout){ .limits = limits, .fd = -1 };
	if (!limits->timeout_ns && !limits->kill_after_given)
		return 0;
	timeout->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timeout->fd < 0 || set_timer(timeout->fd, limits->timeout_ns) < 0)
		return err_text(err, errno, "start the timer for --timeout");
	return 0;
}

enum timeout_step timeout_take(struct timeout *timeout)
{
	uint64_t times;

	if (read(timeout->fd, &times, sizeof(times)) != (ssize_t)sizeof(times))
		return TIMEOUT_NOTHING;
	if (timeout->asked)
		return TIMEOUT_KILL;
	timeout->expired = true;
	timeout->asked = true;
	(void)set_timer(timeout->fd, timeout->limits->kill_after_ns);
	return TIMEOUT_TERM;
}

void timeout_asked(struct timeout *timeout)
{
	if (timeout->fd < 0 || timeout->asked || !timeout->limits->kill_after_given)
		return;
	timeout->asked = true;
	(void)set_timer(timeout->fd, timeout->limits->kill_after_ns);
}
