/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a plan, one for each thing that a stage deals with. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

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
	bool lock_mounts; /* resolved: the payload may mount, but not undo what was mounted */
	bool host_root;   /* resolved: an id inside can be that of the host's root */
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

enum pty_choice { PTY_AUTO, PTY_YES, PTY_NO };

struct plan_process {
	const char *argv0, *chdir, *exec_label, *file_label;
	char **argv; /* the payload, NULL-terminated */
	bool new_session, die_with_parent, as_pid_1, forward_signals;
	enum pty_choice pty;
	bool has_pty;      /* resolved: a terminal of the payload's own, in place of the caller's */
	bool has_init;     /* resolved: a pid 1 of ours reaps and reports */
	bool dies_with_us; /* resolved: the sandbox never outlives the monitor */
	int sync_fd, block_fd, userns_block_fd;
};

struct plan_report {
	int info_fd, json_status_fd;
	const char *file; /* --report; "-" is standard error, for people */
};
