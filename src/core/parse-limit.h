/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of the limit options to numbers. Every parser is total: it takes the whole string, or
 * returns -EINVAL for text it does not know, -ERANGE for a value that no kernel would take, and
 * leaves the result alone. None looks at errno, the locale or the system.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes: digits, an optional fraction, then K, M, G or T (powers of 1024, either case) or nothing.
 * A fraction needs a suffix. At most INT64_MAX, what the memory controller can hold. */
int parse_bytes(const char *text, uint64_t *ret);

/* "N%" with an optional fraction, more than 0 and at most 100; in hundredths of a per cent. */
int parse_percent(const char *text, unsigned int *ret);

/* CPUs as a number with an optional fraction of up to six digits; in millionths of a CPU. At least
 * 0.01, because cpu.max takes no quota below a millisecond; at most CPU_LIST_MAX. */
int parse_cpus(const char *text, uint64_t *ret_millionths);

/* 1 to 10000: cpu.weight and io.weight (cgroup-v2.rst). */
int parse_weight(const char *text, unsigned int *ret);

/* A list such as "0-3,7" (cpuset(7), List format), of numbers below CPU_LIST_MAX; not empty. */
enum { CPU_LIST_MAX = 8192 };
struct cpu_list {
	uint64_t bits[CPU_LIST_MAX / 64];
};
int parse_cpu_list(const char *text, struct cpu_list *ret);

/* The same list in its shortest form, as the kernel prints it. To be freed by the caller; NULL
 * when there is no memory. An empty list is "". */
char *cpu_list_format(const struct cpu_list *list);

/* Whether every CPU of part is in whole. */
bool cpu_list_within(const struct cpu_list *part, const struct cpu_list *whole);

/* A duration in timeout(1)'s words: a number with an optional fraction, then s, m, h, d or
 * nothing; in nanoseconds. 0 is well formed; what 0 means is the caller's affair. */
int parse_duration(const char *text, uint64_t *ret_ns);

/* DEV:VALUE, split at the last colon. DEV is a path ("/dev/sda") or MAJOR:MINOR; both parts must
 * not be empty. *ret_len is the length of DEV, *ret_value points behind the colon. */
int parse_device(const char *text, size_t *ret_len, const char **ret_value);

/* "MAJOR:MINOR" of len bytes. */
int parse_device_number(const char *text, size_t len, unsigned int ret[2]);

/* NAME=SOFT[:HARD], as in docker: NAME in small letters without RLIMIT_, values in the resource's
 * own unit, with K M G T for those that count bytes, or "unlimited". Without HARD it is SOFT; SOFT
 * above HARD is -ERANGE; a name that is none is -ENOENT. */
struct ulimit {
	int resource;  /* RLIMIT_x */
	uint64_t soft; /* ULIMIT_NONE: no limit */
	uint64_t hard;
};
#define ULIMIT_NONE UINT64_MAX
int parse_ulimit(const char *text, struct ulimit *ret);

/* The name parse_ulimit takes for the n-th resource it knows, with RLIMIT_x in *ret_resource;
 * NULL behind the last. */
const char *ulimit_name(size_t n, int *ret_resource);
