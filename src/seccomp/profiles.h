/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in seccomp profiles, described once. compile.c turns a profile into BPF at build time,
 * and tests walk the same tables. Facts about calls: syscalls(2) and the kernel's syscall tables.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Calls that share an answer. error is the errno they fail with; 0 lets them through. */
struct seccomp_group {
	const char *what;
	int error;
	const char *const *calls; /* ends with NULL */
};

enum seccomp_cond {
	COND_IN,     /* refuse when the argument is one of the values */
	COND_NOT_IN, /* refuse unless the argument is one of the values */
	COND_BITS,   /* refuse when the argument has any bit of values[0] */
};

enum {
	CHECK_NATIVE = 1 << 0, /* holds for the machine's own ABI */
	CHECK_COMPAT = 1 << 1, /* holds for its 32-bit ABI */
	CHECK_ALL = CHECK_NATIVE | CHECK_COMPAT,
	CHECK_UNGUARDED = -1,
};

/*
 * A refusal that depends on an argument. Only the low 32 bits are looked at, for these are all that
 * the kernel reads of an int: upper bits must not change the answer.
 */
struct seccomp_check {
	const char *what;
	const char *call;
	int error;
	enum seccomp_cond cond;
	unsigned int abis;
	unsigned int arg;
	const uint32_t *values;
	unsigned int count;
	int guard_arg; /* the check holds only when this argument is guard; or CHECK_UNGUARDED */
	uint32_t guard;
};

struct seccomp_profile {
	const char *name;
	const char *summary;
	int fallback; /* what a call in no group gets: 0 to pass, or an errno */
	bool compat;  /* the machine's 32-bit ABI passes under the same rules; otherwise ENOSYS */
	const struct seccomp_group *const *groups; /* ends with NULL */
	const struct seccomp_check *const *checks; /* ends with NULL */
};

extern const struct seccomp_profile *const seccomp_profiles[]; /* ends with NULL */

/* The allow-list of `strict`, in a file of its own. */
extern const struct seccomp_group *const seccomp_strict_groups[];

/*
 * Calls younger than the libseccomp that sbx must build with. From 424 on every ABI that a profile
 * is made for has the same numbers.
 */
struct seccomp_new_call {
	const char *name;
	unsigned int nr;
};

extern const struct seccomp_new_call seccomp_new_calls[]; /* ends with a NULL name */
