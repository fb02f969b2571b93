/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A D-Bus connection for one conversation: GDBus's messages on a plain socket. GDBusConnection
 * would start three threads and wait four times before the first message, which is most of what a
 * scope costs.
 */
#pragma once

#include <gio/gio.h>

struct wire {
	int fd;             /* -1: not connected */
	int peer_fd;        /* nobody waits any more when its other end is closed */
	gint64 deadline_us; /* of g_get_monotonic_time(), for everything */
	guint32 serial;     /* of the last message sent */
	GByteArray *in, *out;
};

enum wire_result {
	WIRE_OK,
	WIRE_FAILED, /* error is set */
	WIRE_LATE,
	WIRE_ABANDONED, /* the peer is gone */
};

void wire_init(struct wire *wire, int peer_fd, guint timeout_ms);
void wire_close(struct wire *wire);

/* Connects to the first address of a D-Bus address list that can be had, of unix:path= and
 * unix:abstract=, and says who we are. */
enum wire_result wire_connect(struct wire *wire, const char *addresses, GError **error);

/* Puts a message into the queue, which wire_receive() sends. Returns its serial, 0 with error set.
 */
guint32 wire_queue(struct wire *wire, GDBusMessage *message, GError **error);

/* Sends what is queued and waits for the next message, to be unreffed. */
enum wire_result wire_receive(struct wire *wire, GDBusMessage **ret, GError **error);
