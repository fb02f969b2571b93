/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A D-Bus connection for one conversation. Who we are and the first calls go out in one piece, and
 * nothing is waited for in between: each round trip is a good part of what a scope costs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "scope/dbus.h"

struct wire {
	int fd;      /* -1: not connected */
	int peer_fd; /* nobody waits any more when its other end is closed; -1: nobody may */
	int64_t deadline_ms; /* of CLOCK_MONOTONIC, for everything */
	uint32_t serial;     /* of the last message queued */
	bool is_known;       /* the other side has taken who we are */
	struct dbus_out out;
	size_t in_len, in_done; /* what of in has been returned already */
	uint8_t out_buf[65536], in[65536];
};

enum wire_result {
	WIRE_OK,
	WIRE_FAILED,  /* err is set */
	WIRE_REFUSED, /* the same, before anybody has taken who we are */
	WIRE_LATE,
	WIRE_ABANDONED, /* the peer is gone */
};

void wire_init(struct wire *wire, int peer_fd, unsigned int timeout_ms);

/* Lowers the limit to ms from now. */
void wire_hurry(struct wire *wire, unsigned int ms);

/* Connects to the first address of a D-Bus address list that can be had, of unix:path= and
 * unix:abstract=, and says who we are. */
enum wire_result wire_connect(struct wire *wire, const char *addresses, struct err *err);

/* Says who we are on a socket that is connected already. */
enum wire_result wire_adopt(struct wire *wire, int fd, struct err *err);

/* A call in the queue, between its head and its body: call->serial is filled in, and what goes to
 * wire->out until wire_end_call() is the body. */
size_t wire_begin_call(struct wire *wire, struct dbus_call *call);
void wire_end_call(struct wire *wire, size_t begin);

/* Sends what is queued. */
enum wire_result wire_flush(struct wire *wire, struct err *err);

/* Sends what is queued and waits for the next message, which is good until the next call. */
enum wire_result wire_receive(struct wire *wire, struct dbus_message *ret, struct err *err);
