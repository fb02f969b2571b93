/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * D-Bus messages as bytes (D-Bus Specification, "Marshaling (Wire Format)" and "Message Protocol"):
 * calls are made, and replies, errors and signals are taken apart. Only the types that a talk with
 * a systemd needs are here. Nothing is allocated, and no bytes from outside are trusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes being made, in this machine's byte order. What does not fit is left out, and is_full says
 * so. */
struct dbus_out {
	uint8_t *buf;
	size_t size, len;
	size_t base; /* where the message begins, from which alignment counts */
	bool is_full;
};

struct dbus_array {
	size_t length_at, start;
};

void dbus_put_bytes(struct dbus_out *out, const void *data, size_t len);
void dbus_put_u32(struct dbus_out *out, uint32_t value);
void dbus_put_u64(struct dbus_out *out, uint64_t value);
void dbus_put_string(struct dbus_out *out, const char *text); /* object paths, too */
void dbus_put_signature(struct dbus_out *out, const char *text);
void dbus_put_struct(struct dbus_out *out); /* its members follow */
struct dbus_array dbus_begin_array(struct dbus_out *out, size_t element_alignment);
void dbus_end_array(struct dbus_out *out, struct dbus_array array);

/* Whether text is UTF-8, as every string has to be, or the peer hangs up. */
bool dbus_is_text(const char *text);

struct dbus_call {
	const char *destination; /* NULL on a direct connection */
	const char *path, *interface, *member;
	const char *signature; /* of the body; NULL: there is none */
	uint32_t serial;
};

/* A method call. The body goes in between. A bus that knows of the service may hold it until that
 * is there, as a bus does that has just been started and to which systemd is still on its way. */
size_t dbus_begin_call(struct dbus_out *out, const struct dbus_call *call);
void dbus_end_call(struct dbus_out *out, size_t begin);

enum { DBUS_HEAD_LEN = 16, DBUS_RETURN = 2, DBUS_ERROR = 3, DBUS_SIGNAL = 4 };

/* Strings point into the bytes, and are "" where there is none. */
struct dbus_message {
	unsigned int type;
	uint32_t reply_serial; /* 0: none */
	const char *interface, *member, *error_name, *signature;
	const uint8_t *body;
	size_t body_len;
	bool swapped; /* the byte order is not this machine's */
};

/* The whole length of the message that begins with these bytes; 0 when none can begin so. */
size_t dbus_length(const uint8_t head[DBUS_HEAD_LEN]);

/* Takes a message of just this length apart. Returns 0, or -EBADMSG. */
int dbus_parse(const uint8_t *data, size_t len, struct dbus_message *ret);

/* The first count strings (or object paths) of a body that has them behind skip 32-bit numbers.
 * Returns 0, or -EBADMSG when they are not there; the signature is the caller's to check. */
int dbus_body_strings(const struct dbus_message *message, size_t skip, const char **ret,
                      size_t count);
