/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short forms of a few calls. */
#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* As sendto(2), without waiting and without SIGPIPE. */
static inline ssize_t sendto_now(int fd, const void *buf, size_t len, const void *addr,
                                 socklen_t addrlen)
{
	return sendto(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT, addr, addrlen);
}

/* CLOCK_MONOTONIC in milliseconds. */
static inline int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
