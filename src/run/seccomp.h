/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* seccomp filters as raw BPF programs (seccomp(2)), read from descriptors. */
#pragma once

#include <stddef.h>

#include "core/err.h"

struct plan;
struct sock_fprog;

struct seccomp_programs {
	struct sock_fprog *items; /* loaded in this order */
	size_t n;
};

/* Reads every --add-seccomp-fd. Returns 0 or -errno. */
int seccomp_read_added(const struct plan *plan, struct seccomp_programs *programs, struct err *err);

/* Reads --seccomp, which comes after --block-fd. Returns 0 or -errno. */
int seccomp_read_last(const struct plan *plan, struct seccomp_programs *programs, struct err *err);

/* Loads them into this process; no_new_privs must be set. Returns 0 or -errno. */
int seccomp_load(const struct seccomp_programs *programs, struct err *err);
