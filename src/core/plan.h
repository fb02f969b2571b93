/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan: everything that is wanted, in plain data. The option handlers write it, plan_resolve()
 * completes it, plan_check() refuses what contradicts itself; after that it is only read.
 * Strings belong to the command line (or to plan->owned), never to the field that shows them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/limits.h"
#include "core/op.h"
#include "core/plan-net.h"
#include "core/plan-parts.h"
#include "core/vec.h"

struct plan {
	enum personality personality;
	bool help, version, list_options, dry_run, verbose, level_prefix;
	bool bare, refuse_dest_symlinks, not_a_security_boundary;
	bool skeleton;     /* resolved: the skeleton was laid below the user's operations */
	size_t n_skeleton; /* resolved: the first n_skeleton operations are its mounts */
	bool force_openat, force_old_mount, fake_host;
	struct plan_ns ns;
	struct plan_ids ids;
	struct plan_process process;
	struct plan_report report;
	struct limits limits;
	bool uses_cgroup; /* resolved: something was asked for that needs one */
	struct plan_net net;
	int seccomp_fd;
	const char *seccomp_profile; /* a name or a file as given; resolved: NULL for none */
	const char *seccomp_details; /* for --dry-run: its lines, each ends in a newline; or NULL */
	bool seccomp_named;          /* resolved: the profile was asked for, not implied */
	bool seccomp_log;
	bool landlock;
	struct vec ops;          /* struct op, in the order of execution */
	struct vec layers;       /* const char *: the overlay sources of all operations */
	struct vec env;          /* struct env_change */
	struct vec caps;         /* struct cap_change */
	uint64_t caps_start;     /* resolved: what they change, bit N for capability N */
	struct vec seccomp_fds;  /* int: --add-seccomp-fd */
	struct vec lock_files;   /* const char * */
	struct vec overlay_opts; /* const char * */
	struct vec keep_fds;     /* int */
	struct vec warnings;     /* const char *: complete lines */
	size_t n_plain_warnings; /* how many of them came before --level-prefix */
	struct vec owned;        /* char *: freed with the plan */
};

void plan_init(struct plan *plan, enum personality personality);
void plan_free(struct plan *plan);

/* Appends an operation; what it does not name is zero but fd, which is -1, and perms, -1.
 * Returns 0 or -ENOMEM. */
int plan_add_op(struct plan *plan, const struct op *op);

/* Formats into memory that the plan owns. Returns NULL without memory. */
const char *plan_printf(struct plan *plan, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static inline const struct op *plan_op(const struct plan *plan, size_t i)
{
	return &((const struct op *)plan->ops.items)[i];
}
