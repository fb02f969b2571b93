/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	LINES_PER_SECOND = 100,
	LINE_MAX_BYTES = 640,
};

struct netlog {
	pthread_mutex_t lock;
	int fd;
	bool is_socket;
	time_t second;
	unsigned int lines;
	unsigned long suppressed;
};

struct netlog *netlog_new(int fd)
{
	struct netlog *log = calloc(1, sizeof(*log));
	int type;
	socklen_t len = sizeof(type);

	if (!log)
		return NULL;
	pthread_mutex_init(&log->lock, NULL);
	log->fd = fd;
	log->is_socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
	return log;
}

void netlog_free(struct netlog *log)
{
	if (!log)
		return;
	close(log->fd);
	pthread_mutex_destroy(&log->lock);
	free(log);
}

/* The descriptor is shared with whoever made it, so O_NONBLOCK is not ours to set: ask first. */
static bool put(const struct netlog *log, const char *line, size_t len)
{
	struct pollfd ready = { .fd = log->fd, .events = POLLOUT };

	if (log->is_socket)
		return send(log->fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return false;
	return write(log->fd, line, len) == (ssize_t)len;
}

__attribute__((format(printf, 2, 3))) static void line(struct netlog *log, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	struct timespec now;
	va_list ap;
	int n;

	if (!log)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&log->lock);
	if (now.tv_sec != log->second) {
		log->second = now.tv_sec;
		log->lines = 0;
	}
	if (log->lines++ >= LINES_PER_SECOND) {
		log->suppressed++;
		goto out;
	}
	n = snprintf(text, sizeof(text), "{\"time\":%lld.%03ld,", (long long)now.tv_sec,
	             now.tv_nsec / 1000000);
	if (log->suppressed)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "\"suppressed\":%lu,",
		              log->suppressed);
	va_start(ap, fmt);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	if ((size_t)n < sizeof(text) && put(log, text, (size_t)n))
		log->suppressed = 0;
	else
		log->suppressed++;
out:
	pthread_mutex_unlock(&log->lock);
}

void netlog_denied(struct netlog *log, enum net_proto proto, const struct net_addr *addr,
                   uint16_t port, const char *why)
{
	char text[NET_ADDR_MAX];

	net_addr_format(addr, text);
	if (proto == NET_ICMP)
		line(log, "\"denied\":\"icmp\",\"addr\":\"%s\",\"by\":\"%s\"}\n", text, why);
	else
		line(log, "\"denied\":\"%s\",\"addr\":\"%s\",\"port\":%u,\"by\":\"%s\"}\n",
		     proto == NET_TCP ? "tcp" : "udp", text, port, why);
}

void netlog_name(struct netlog *log, const char *name, const struct net_addr *addr, const char *why)
{
	char text[NET_ADDR_MAX];

	if (!addr) {
		line(log, "\"denied\":\"dns\",\"name\":\"%s\",\"by\":\"%s\"}\n", name, why);
		return;
	}
	net_addr_format(addr, text);
	line(log, "\"denied\":\"dns\",\"name\":\"%s\",\"addr\":\"%s\",\"by\":\"%s\"}\n", name, text,
	     why);
}

void netlog_frame(struct netlog *log, const char *why)
{
	line(log, "\"denied\":\"frame\",\"by\":\"%s\"}\n", why);
}
