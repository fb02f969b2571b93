/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER_LEN = 16, MESSAGE_MAX = 1 << 20, CHUNK = 8192, RETRY_MS = 20 };

void wire_init(struct wire *wire, int peer_fd, guint timeout_ms)
{
	*wire = (struct wire){
		.fd = -1,
		.peer_fd = peer_fd,
		.deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000,
		.in = g_byte_array_new(),
		.out = g_byte_array_new(),
	};
}

void wire_close(struct wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
	wire->serial = 0;
	g_byte_array_set_size(wire->in, 0);
	g_byte_array_set_size(wire->out, 0);
}

static enum wire_result fail(GError **error, int num)
{
	g_set_error_literal(error, G_IO_ERROR, (gint)g_io_error_from_errno(num), g_strerror(num));
	return WIRE_FAILED;
}

/* Waits for events at the connection, at most ms milliseconds (-1: until the deadline). */
static enum wire_result wait_for(const struct wire *wire, short events, int ms, GError **error)
{
	gint64 left = (wire->deadline_us - g_get_monotonic_time() + 999) / 1000;
	struct pollfd fds[] = {
		{ .fd = wire->peer_fd },
		{ .fd = events ? wire->fd : -1, .events = events },
	};

	if (left <= 0)
		return WIRE_LATE;
	if (poll(fds, G_N_ELEMENTS(fds), (int)MIN(ms < 0 ? G_MAXINT : ms, left)) < 0 &&
	    errno != EINTR)
		return fail(error, errno);
	return fds[0].revents ? WIRE_ABANDONED : WIRE_OK;
}

static enum wire_result send_queued(struct wire *wire, GError **error)
{
	while (wire->out->len > 0) {
		ssize_t n = send(wire->fd, wire->out->data, wire->out->len, MSG_NOSIGNAL);

		if (n > 0) {
			g_byte_array_remove_range(wire->out, 0, (guint)n);
		} else if (errno == EAGAIN) {
			enum wire_result result = wait_for(wire, POLLOUT, -1, error);

			if (result != WIRE_OK)
				return result;
		} else if (errno != EINTR) {
			return fail(error, errno);
		}
	}
	return WIRE_OK;
}

/* Sends what is queued, and adds to wire->in until it has more than len bytes. */
static enum wire_result fill(struct wire *wire, gsize len, GError **error)
{
	enum wire_result result = send_queued(wire, error);
	guint8 buf[CHUNK];

	while (result == WIRE_OK && wire->in->len < len) {
		ssize_t n = recv(wire->fd, buf, sizeof(buf), 0);

		if (n > 0) {
			g_byte_array_append(wire->in, buf, (guint)n);
		} else if (n == 0) {
			g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CLOSED,
			                    "the connection was closed");
			return WIRE_FAILED;
		} else if (errno == EAGAIN) {
			result = wait_for(wire, POLLIN, -1, error);
		} else if (errno != EINTR) {
			return fail(error, errno);
		}
	}
	return result;
}

/* The value of a key in the part of an address behind the colon, unescaped, to be freed. */
static char *address_value(const char *pairs, const char *key)
{
	g_auto(GStrv) list = g_strsplit(pairs, ",", -1);

	for (char **pair = list; *pair; pair++) {
		const char *equals = strchr(*pair, '=');

		if (equals && strlen(key) == (gsize)(equals - *pair) &&
		    g_str_has_prefix(*pair, key))
			return g_uri_unescape_string(equals + 1, NULL);
	}
	return NULL;
}

/* Returns the length of the socket's address, 0 for an address of another kind. */
static socklen_t parse_address(const char *address, struct sockaddr_un *ret)
{
	g_autofree char *path = NULL;
	gsize at = 0;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!g_str_has_prefix(address, "unix:"))
		return 0;
	path = address_value(address + strlen("unix:"), "path");
	if (!path) {
		path = address_value(address + strlen("unix:"), "abstract");
		at = 1;
	}
	if (!path || strlen(path) + 1 > sizeof(ret->sun_path) - at)
		return 0;
	memcpy(ret->sun_path + at, path, strlen(path));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

/* A socket whose queue is full says EAGAIN. */
static enum wire_result connect_socket(struct wire *wire, const struct sockaddr_un *to,
                                       socklen_t len, GError **error)
{
	enum wire_result result = WIRE_OK;

	wire->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wire->fd < 0)
		return fail(error, errno);
	while (result == WIRE_OK && connect(wire->fd, (const struct sockaddr *)to, len) < 0) {
		if (errno == EAGAIN)
			result = wait_for(wire, 0, RETRY_MS, error);
		else if (errno != EINTR)
			return fail(error, errno);
	}
	return result;
}

/* The EXTERNAL mechanism: the socket says who we are (D-Bus Specification, "Authentication
 * Protocol"). */
static enum wire_result authenticate(struct wire *wire, GError **error)
{
	g_autofree char *uid = g_strdup_printf("%u", (unsigned int)geteuid());
	g_autoptr(GString) hello = g_string_new("AUTH EXTERNAL ");
	enum wire_result result;
	const guint8 *end = NULL;

	for (const char *p = uid; *p; p++)
		g_string_append_printf(hello, "%02x", (unsigned int)*p);
	g_string_append(hello, "\r\n");
	g_byte_array_append(wire->out, (const guint8 *)"", 1);
	g_byte_array_append(wire->out, (const guint8 *)hello->str, (guint)hello->len);
	do {
		result = fill(wire, (gsize)wire->in->len + 1, error);
		if (result != WIRE_OK)
			return result;
		end = memchr(wire->in->data, '\n', wire->in->len);
	} while (!end && wire->in->len < CHUNK);
	if (!end || strncmp((const char *)wire->in->data, "OK ", 3) != 0) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
		                    "it does not take who we are");
		return WIRE_FAILED;
	}
	g_byte_array_remove_range(wire->in, 0, (guint)(end + 1 - wire->in->data));
	g_byte_array_append(wire->out, (const guint8 *)"BEGIN\r\n", strlen("BEGIN\r\n"));
	return WIRE_OK;
}

enum wire_result wire_connect(struct wire *wire, const char *addresses, GError **error)
{
	g_auto(GStrv) list = g_strsplit(addresses, ";", -1);

	for (char **address = list; *address; address++) {
		enum wire_result result = WIRE_FAILED;
		struct sockaddr_un to;
		socklen_t len = parse_address(*address, &to);

		if (!len)
			continue;
		wire_close(wire);
		g_clear_error(error);
		result = connect_socket(wire, &to, len, error);
		if (result == WIRE_OK)
			result = authenticate(wire, error);
		if (result != WIRE_FAILED)
			return result;
	}
	if (!*error)
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
		                    "it is neither unix:path= nor unix:abstract=");
	return WIRE_FAILED;
}

guint32 wire_queue(struct wire *wire, GDBusMessage *message, GError **error)
{
	g_autofree guchar *blob = NULL;
	gsize len;

	g_dbus_message_set_serial(message, wire->serial + 1);
	blob = g_dbus_message_to_blob(message, &len, G_DBUS_CAPABILITY_FLAGS_NONE, error);
	if (!blob)
		return 0;
	g_byte_array_append(wire->out, blob, (guint)len);
	return ++wire->serial;
}

enum wire_result wire_receive(struct wire *wire, GDBusMessage **ret, GError **error)
{
	enum wire_result result = fill(wire, HEADER_LEN, error);
	gssize len;

	if (result != WIRE_OK)
		return result;
	len = g_dbus_message_bytes_needed(wire->in->data, wire->in->len, error);
	if (len > MESSAGE_MAX)
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
		                    "a message of more than a megabyte");
	if (len < 0 || len > MESSAGE_MAX)
		return WIRE_FAILED;
	result = fill(wire, (gsize)len, error);
	if (result != WIRE_OK)
		return result;
	*ret = g_dbus_message_new_from_blob(wire->in->data, (gsize)len,
	                                    G_DBUS_CAPABILITY_FLAGS_NONE, error);
	g_byte_array_remove_range(wire->in, 0, (guint)len);
	return *ret ? WIRE_OK : WIRE_FAILED;
}
