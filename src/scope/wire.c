/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/bus-address.h"
#include "core/cleanup.h"

enum { RETRY_MS = 20 };

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void reset(struct wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
	wire->serial = 0;
	wire->is_known = false;
	wire->in_len = wire->in_done = 0;
	wire->out = (struct dbus_out){ .buf = wire->out_buf, .size = sizeof(wire->out_buf) };
}

void wire_init(struct wire *wire, int peer_fd, unsigned int timeout_ms)
{
	wire->fd = -1;
	wire->peer_fd = peer_fd;
	wire->deadline_ms = now_ms() + timeout_ms;
	reset(wire);
}

void wire_hurry(struct wire *wire, unsigned int ms)
{
	int64_t soon = now_ms() + ms;

	if (wire->deadline_ms > soon)
		wire->deadline_ms = soon;
}

static enum wire_result fail(const struct wire *wire, int num, const char *text, struct err *err)
{
	err_text(err, num, "%s", text);
	return wire->is_known ? WIRE_FAILED : WIRE_REFUSED;
}

/* Waits for events at the connection, at most ms milliseconds (-1: until the deadline). */
static enum wire_result wait_for(const struct wire *wire, short events, int ms, struct err *err)
{
	int64_t left = wire->deadline_ms - now_ms();
	struct pollfd fds[] = {
		{ .fd = wire->peer_fd },
		{ .fd = events ? wire->fd : -1, .events = events },
	};

	if (left <= 0)
		return WIRE_LATE;
	if (left > INT_MAX)
		left = INT_MAX;
	if (poll(fds, ARRAY_LEN(fds), ms >= 0 && ms < left ? ms : (int)left) < 0 && errno != EINTR)
		return fail(wire, errno, "wait", err);
	return fds[0].revents ? WIRE_ABANDONED : WIRE_OK;
}

enum wire_result wire_flush(struct wire *wire, struct err *err)
{
	size_t done = 0;

	if (wire->out.is_full)
		return fail(wire, EMSGSIZE, "make the message", err);
	while (done < wire->out.len) {
		ssize_t n =
			send(wire->fd, wire->out_buf + done, wire->out.len - done, MSG_NOSIGNAL);

		if (n > 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			enum wire_result result = wait_for(wire, POLLOUT, -1, err);

			if (result != WIRE_OK)
				return result;
		} else if (errno != EINTR) {
			return fail(wire, errno, "send", err);
		}
	}
	wire->out.len = 0;
	return WIRE_OK;
}

/* Drops what is done with, and waits until there are more than have bytes. */
static enum wire_result fill(struct wire *wire, size_t have, struct err *err)
{
	enum wire_result result = WIRE_OK;

	wire->in_len -= wire->in_done;
	memmove(wire->in, wire->in + wire->in_done, wire->in_len);
	wire->in_done = 0;
	while (result == WIRE_OK && wire->in_len <= have) {
		ssize_t n =
			recv(wire->fd, wire->in + wire->in_len, sizeof(wire->in) - wire->in_len, 0);

		if (n > 0)
			wire->in_len += (size_t)n;
		else if (n == 0)
			return fail(wire, 0, "the connection was closed", err);
		else if (errno == EAGAIN)
			result = wait_for(wire, POLLIN, -1, err);
		else if (errno == ECONNRESET)
			return fail(wire, errno, "receive", err);
		else if (errno != EINTR) {
			/* no sign that nobody is there: what was sent may well be done */
			err_text(err, errno, "receive");
			return WIRE_FAILED;
		}
	}
	return result;
}

/* A socket whose queue is full says EAGAIN. */
static enum wire_result connect_socket(struct wire *wire, const struct sockaddr_un *to,
                                       socklen_t len, struct err *err)
{
	enum wire_result result = WIRE_OK;

	wire->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wire->fd < 0)
		return fail(wire, errno, "socket", err);
	while (result == WIRE_OK && connect(wire->fd, (const struct sockaddr *)to, len) < 0) {
		if (errno == EAGAIN)
			result = wait_for(wire, 0, RETRY_MS, err);
		else if (errno != EINTR)
			return fail(wire, errno, "connect", err);
	}
	return result;
}

/* The EXTERNAL mechanism: the socket says who we are, which the user id in hexadecimal repeats
 * (D-Bus Specification, "Authentication Protocol"). That it is taken is seen when the first answer
 * is waited for; what is queued behind it is lost if it is not. */
static void queue_identity(struct wire *wire)
{
	char uid[16];
	char hex[2 * sizeof(uid) + 1];
	char line[sizeof(hex) + 32];
	int n = snprintf(uid, sizeof(uid), "%u", (unsigned int)geteuid());

	for (int i = 0; i < n; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", (unsigned int)uid[i]);
	n = snprintf(line, sizeof(line), "%cAUTH EXTERNAL %s\r\nBEGIN\r\n", '\0', hex);
	dbus_put_bytes(&wire->out, line, (size_t)n);
}

static enum wire_result take_identity_reply(struct wire *wire, struct err *err)
{
	const uint8_t *end = NULL;

	while (!end && wire->in_len < 256) {
		enum wire_result result = fill(wire, wire->in_len, err);

		if (result != WIRE_OK)
			return result;
		end = memchr(wire->in, '\n', wire->in_len);
	}
	if (!end || strncmp((const char *)wire->in, "OK ", 3) != 0)
		return fail(wire, 0, "it does not take who we are", err);
	wire->in_done = (size_t)(end + 1 - wire->in);
	wire->is_known = true;
	return WIRE_OK;
}

static enum wire_result greet(struct wire *wire, struct err *err)
{
	queue_identity(wire);
	return wire_flush(wire, err);
}

enum wire_result wire_connect(struct wire *wire, const char *addresses, struct err *err)
{
	enum wire_result result = WIRE_REFUSED;

	err_text(err, 0, "it is neither unix:path= nor unix:abstract=");
	while (addresses && result == WIRE_REFUSED) {
		struct sockaddr_un to;
		socklen_t len = bus_address_parse(addresses, &to, &addresses);

		if (!len)
			continue;
		reset(wire);
		result = connect_socket(wire, &to, len, err);
		if (result == WIRE_OK)
			result = greet(wire, err);
	}
	return result;
}

enum wire_result wire_adopt(struct wire *wire, int fd, struct err *err)
{
	reset(wire);
	wire->fd = fd;
	return greet(wire, err);
}

size_t wire_begin_call(struct wire *wire, struct dbus_call *call)
{
	call->serial = ++wire->serial;
	return dbus_begin_call(&wire->out, call);
}

void wire_end_call(struct wire *wire, size_t begin)
{
	dbus_end_call(&wire->out, begin);
}

/* A message longer than in is none that we wait for: it is passed over. */
static enum wire_result skip(struct wire *wire, size_t len, struct err *err)
{
	while (len > 0) {
		enum wire_result result = fill(wire, 0, err);

		if (result != WIRE_OK)
			return result;
		wire->in_done = wire->in_len < len ? wire->in_len : len;
		len -= wire->in_done;
	}
	return WIRE_OK;
}

enum wire_result wire_receive(struct wire *wire, struct dbus_message *ret, struct err *err)
{
	enum wire_result result = wire_flush(wire, err);

	if (result == WIRE_OK && !wire->is_known)
		result = take_identity_reply(wire, err);
	while (result == WIRE_OK) {
		size_t len;

		result = fill(wire, DBUS_HEAD_LEN - 1, err);
		if (result != WIRE_OK)
			break;
		len = dbus_length(wire->in);
		if (!len)
			return fail(wire, 0, "it sends what is no message", err);
		if (len > sizeof(wire->in)) {
			result = skip(wire, len, err);
			continue;
		}
		result = fill(wire, len - 1, err);
		if (result != WIRE_OK)
			break;
		wire->in_done = len;
		if (dbus_parse(wire->in, len, ret) < 0)
			return fail(wire, 0, "it sends what is no message", err);
		return WIRE_OK;
	}
	return result;
}
