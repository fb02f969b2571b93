/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An error on its way up: which step failed, on what, and why. Functions below main() fill one and
 * return -errno; nobody prints below main() and the stage entry points.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* How a step reads in each personality: STEP(name, native words, bwrap's own words).
 * In the words %s is the subject and %o the object (%S and %O: with a leading slash in any case);
 * native words without them have both appended. The reason comes last. */
enum step {
	STEP_NONE,
	STEP_TEXT, /* the subject is the whole message */
#define STEP(name, native, compat) STEP_##name,
#include "core/steps.def"
#undef STEP
	STEP_COUNT
};

enum personality {
	PERSONALITY_NATIVE,
	PERSONALITY_BWRAP,
};

enum {
	ERR_TEXT_MAX = 4352, /* a path of PATH_MAX and a few words around it */
	ERR_LINE_MAX = 2 * ERR_TEXT_MAX + 512,
};

struct err {
	enum step step;
	int num; /* a positive errno; 0 when the text says it all */
	char subject[ERR_TEXT_MAX];
	char object[ERR_TEXT_MAX];
};

/* Records that step failed on subject (and object, either may be NULL) for errno num.
 * Returns -num, so that a caller can write: return err_step(err, STEP_X, errno, path, NULL). */
int err_step(struct err *err, enum step step, int num, const char *subject, const char *object);

/* The same with a descriptor as the subject. */
int err_fd(struct err *err, enum step step, int num, int fd);

/* Records a message in the words of the caller; num may be 0. Returns -num, or -EINVAL for 0. */
int err_text(struct err *err, int num, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Writes the message without a prefix and without a newline into buf (of size bytes, always
 * terminated) in the personality's words. Native lines hold no control byte: they are escaped. What
 * does not fit is cut before the reason, which is there in any case. */
void err_format(const struct err *err, enum personality personality, char *buf, size_t size);

/* Packs an error into one message for a socket and back. pack returns the bytes used (never more
 * than ERR_PACKED_MAX); unpack returns 0, or -EINVAL for bytes that pack did not write. */
enum { ERR_PACKED_MAX = 2 * ERR_TEXT_MAX + 8 };
size_t err_pack(const struct err *err, char buf[ERR_PACKED_MAX]);
int err_unpack(struct err *err, const char *buf, size_t len);
