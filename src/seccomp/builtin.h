/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in seccomp profiles as constants: made at build time for the machine's architecture, at
 * no cost to a start. Loading one needs no_new_privs (or CAP_SYS_ADMIN), see seccomp(2).
 */
#pragma once

struct sock_filter;

struct seccomp_builtin {
	const char *name;    /* "default", "nested", "strict" */
	const char *summary; /* a few words */
	const struct sock_filter *prog;
	unsigned short len;       /* in instructions, as struct sock_fprog wants it */
	const char *const *lines; /* what it does, a line each (for --dry-run); ends with NULL */
};

/* The profile of that name, or NULL. */
const struct seccomp_builtin *seccomp_builtin_find(const char *name);

/* All of them; the last has a NULL name. */
const struct seccomp_builtin *seccomp_builtin_list(void);
