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
#include <sys/types.h>

#include "core/err.h"
#include "core/op.h"
#include "core/vec.h"

enum cap_change_kind { CAP_CHANGE_ADD, CAP_CHANGE_DROP };
enum { CAP_EVERY = -1 };

struct cap_change {
	enum cap_change_kind kind;
	int cap; /* a number of linux/capability.h, or CAP_EVERY */
};

enum env_change_kind { ENV_SET, ENV_UNSET, ENV_CLEAR };

struct env_change {
	enum env_change_kind kind;
	const char *name;
	const char *value;
};

/* Namespaces: what was asked for, and (new_user, second_user) what follows from it. */
struct plan_ns {
	bool user, user_try, ipc, pid, net, uts, cgroup, cgroup_try, time;
	bool new_user;    /* resolved: clone with a user namespace */
	bool second_user; /* resolved: a second one below it carries the payload */
	bool disable_userns, assert_userns_disabled;
	int userns_fd, userns2_fd, pidns_fd, netns_fd;
	const char *boottime, *monotonic; /* offsets in seconds, checked by the parser */
};

/* Ids as seen from inside. inner_* is the payload's; outer_* is what the first map gives. */
struct plan_ids {
	bool uid_given, gid_given, keep;
	uid_t uid, inner_uid, outer_uid;
	gid_t gid, inner_gid, outer_gid;
	const char *user, *home; /* resolved: of the payload, when it is not root */
};

struct plan_process {
	const char *argv0, *chdir, *exec_label, *file_label;
	char **argv; /* the payload, NULL-terminated */
	bool new_session, die_with_parent, as_pid_1, forward_signals;
	bool has_init;     /* resolved: a pid 1 of ours reaps and reports */
	bool dies_with_us; /* resolved: the sandbox never outlives the monitor */
	int sync_fd, block_fd, userns_block_fd;
};

struct plan_report {
	int info_fd, json_status_fd;
};

struct plan {
	enum personality personality;
	bool help, version, list_options, dry_run, verbose, level_prefix;
	bool bare, refuse_dest_symlinks, not_a_security_boundary;
	bool skeleton; /* resolved: the skeleton was laid below the user's operations */
	size_t n_skeleton; /* resolved: the first n_skeleton operations are its mounts */
	bool force_openat, force_old_mount, fake_host;
	struct plan_ns ns;
	struct plan_ids ids;
	struct plan_process process;
	struct plan_report report;
	int seccomp_fd;
	struct vec ops;          /* struct op, in the order of execution */
	struct vec layers;       /* const char *: the overlay sources of all operations */
	struct vec env;          /* struct env_change */
	struct vec caps;         /* struct cap_change */
	struct vec seccomp_fds;  /* int: --add-seccomp-fd */
	struct vec lock_files;   /* const char * */
	struct vec overlay_opts; /* const char * */
	struct vec keep_fds;     /* int */
	struct vec warnings;     /* const char *: complete lines */
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
