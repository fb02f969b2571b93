/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text to numbers. Every parser is total: it takes the whole string or returns -EINVAL (-ERANGE for
 * a number that is well formed but does not fit) and leaves the result alone. None looks at errno,
 * the locale or the system.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Decimal digits only, no sign, no blank, at most max. */
int parse_uint(const char *text, uint64_t max, uint64_t *ret);

/* A file descriptor: what strtol takes in base 10 (so "+3" too, as bwrap does), 0 to INT_MAX. */
int parse_fd(const char *text, int *ret);

/* An octal mode, at most max (07777). */
int parse_octal(const char *text, unsigned int max, unsigned int *ret);

/* A size in bytes, decimal, octal (0...) or hexadecimal (0x...), beginning with a digit (bwrap's
 * --size): not 0 (-EINVAL), at most SIZE_MAX / 2. */
int parse_size_any_base(const char *text, uint64_t *ret);

/* A user or group id: 0 to 4294967294. */
int parse_id(const char *text, uint32_t *ret);

/* Seconds with an optional sign, and an optional fraction of up to nine digits. */
int parse_offset(const char *text, int64_t *ret_sec, long *ret_nsec);
