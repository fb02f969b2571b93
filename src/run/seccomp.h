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
	size_t n_early; /* the first of them let pid 1 start the payload */
	size_t n_loaded;
};

/* Appends the program in *data, which it takes over (NULL then) on success: len bytes. Returns 0,
 * or -errno for what cannot be a program. */
int seccomp_add(struct seccomp_programs *programs, char **data, size_t len, struct err *err);

/* Adds --seccomp-profile, before all others: they may forbid to load more. Returns 0 or -errno. */
int seccomp_read_profile(const struct plan *plan, struct seccomp_programs *programs,
                         struct err *err);

/* What the profile of the plan, which has one, does, as lines in memory that the caller frees. */
int seccomp_explain(const struct plan *plan, char **ret, struct err *err);

/* Reads every --add-seccomp-fd. Returns 0 or -errno. */
int seccomp_read_added(const struct plan *plan, struct seccomp_programs *programs, struct err *err);

/* Reads --seccomp, which comes after --block-fd. Returns 0 or -errno. */
int seccomp_read_last(const struct plan *plan, struct seccomp_programs *programs, struct err *err);

/* Loads what is not loaded yet into this process; no_new_privs must be set. The early ones are
 * those that pid 1 loads before there is a payload, which inherits them. Returns 0 or -errno. */
int seccomp_apply_early(struct seccomp_programs *programs, struct err *err);
int seccomp_apply(const struct seccomp_programs *programs, struct err *err);
