/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the option handlers (opt-*.c, one per family) share with the table in options.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/options.h"

struct plan;
struct option;

/* The state of one parse: what applies to the next operation only, and what was seen before. */
struct parse {
	struct plan *plan;
	options_read_fn *read;
	int depth;     /* 1 inside an --args file */
	int perms;     /* pending --perms, or OP_PERMS_DEFAULT */
	uint64_t size; /* pending --size, or 0 */
	size_t layers; /* pending --overlay-src, at the end of plan->layers */
	const char *file_label;
	unsigned char *seen; /* one per row */
};

typedef int opt_handler(struct parse *ps, const struct option *opt, char **args, struct err *err);

enum option_group {
	GROUP_GENERAL,
	GROUP_NAMESPACE,
	GROUP_ID,
	GROUP_FS,
	GROUP_ENV,
	GROUP_PROCESS,
	GROUP_SECURITY,
	GROUP_REPORT,
	GROUP_LIMIT,
	GROUP_NET,
	GROUP_COUNT
};

enum option_flag {
	OPT_BWRAP = 1 << 0,     /* one of bubblewrap 0.11.1's */
	OPT_LAST_WINS = 1 << 1, /* given again: a warning, and the last one counts */
	OPT_ONCE = 1 << 2,      /* given again: an error */
	OPT_PERMS = 1 << 3,     /* takes a --perms before it */
	OPT_SIZE = 1 << 4,      /* takes a --size before it */
	OPT_LAYERS = 1 << 5,    /* takes --overlay-src before it */
	OPT_MODIFIER = 1 << 6,  /* leaves what is pending to the next option */
	OPT_HIDDEN = 1 << 7     /* for tests: not in --help and the lists */
};

enum { OPT_DATA_RDONLY = 1 << 8 }; /* in the data of opt_data: the result is read-only */

struct option {
	const char *name;
	unsigned int args;
	const char *metavar;
	enum option_group group;
	opt_handler *handle;
	size_t data; /* what the handler makes of it: an offset in struct plan, or flags */
	unsigned int flags;
	const char *help;
};

/* Generic handlers: data is the offset of a bool, an int descriptor, a string in struct plan. */
opt_handler opt_bool, opt_fd, opt_string;

/* One family a line: opt-fs.c, opt-process.c, opt-limit.c. */
opt_handler opt_bind, opt_bind_fd, opt_path_op, opt_data, opt_symlink, opt_chmod;
opt_handler opt_perms, opt_size, opt_overlay_src, opt_overlay, opt_overlay_opt, opt_file_label;
opt_handler opt_unshare_all, opt_share_net, opt_id, opt_hostname, opt_cap, opt_offset, opt_pty;
opt_handler opt_amount, opt_count, opt_cpus, opt_weight, opt_cpu_list, opt_device_rate, opt_slice;
opt_handler opt_env, opt_list, opt_fd_list, opt_dest_symlinks, opt_debug, opt_args, opt_duration;
opt_handler opt_ulimit, opt_cgroup, opt_name, opt_seccomp_fd;
opt_handler opt_net, opt_net_rule, opt_publish, opt_mtu, opt_net_cidr, opt_net_log, opt_net_choice;

/* Takes a descriptor or says which argument is none. Returns 0 or -EINVAL. */
int opt_parse_fd(const char *text, int *ret, struct err *err);
