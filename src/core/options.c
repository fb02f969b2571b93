/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * THE table. A new option is one row here, one handler (often one that exists), one test and one
 * man entry; usage, completions and --list-options are made from the row.
 */
#include "core/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/opt.h"
#include "core/plan.h"

#define AT(field) offsetof(struct plan, field)

/* clang-format off */
static const struct option options[] = {
/* name                  args metavar       group            handler          data                 flags                     help */
{ "help",                  0, "",           GROUP_GENERAL,   opt_bool,        AT(help),            OPT_BWRAP,                "Print this help and exit" },
{ "version",               0, "",           GROUP_GENERAL,   opt_bool,        AT(version),         OPT_BWRAP,                "Print the version and exit" },
{ "list-options",          0, "",           GROUP_GENERAL,   opt_bool,        AT(list_options),    0,                        "Print every option, for completions, and exit" },
{ "args",                  1, "FD",         GROUP_GENERAL,   opt_args,        0,                   OPT_BWRAP,                "Take NUL-separated arguments from FD" },
{ "dry-run",               0, "",           GROUP_GENERAL,   opt_bool,        AT(dry_run),         0,                        "Print the plan in order and exit" },
{ "verbose",               0, "",           GROUP_GENERAL,   opt_bool,        AT(verbose),         0,                        "Say each step as it happens" },
{ "level-prefix",          0, "",           GROUP_GENERAL,   opt_bool,        AT(level_prefix),    OPT_BWRAP,                "Put <3> or <4>, a log level, before each message" },
{ "bare",                  0, "",           GROUP_GENERAL,   opt_bool,        AT(bare),            0,                        "Lay no skeleton: only what is asked for" },
{ "debug-opt",             1, "NAME",       GROUP_GENERAL,   opt_debug,       0,                   OPT_HIDDEN,               "Force a fallback" },

{ "unshare-all",           0, "",           GROUP_NAMESPACE, opt_unshare_all, 0,                   OPT_BWRAP,                "New namespaces of every kind but time" },
{ "share-net",             0, "",           GROUP_NAMESPACE, opt_share_net,   0,                   OPT_BWRAP,                "Keep the network, after --unshare-all" },
{ "unshare-user",          0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.user),         OPT_BWRAP,                "New user namespace (implied unless root)" },
{ "unshare-user-try",      0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.user_try),     OPT_BWRAP,                "The same, if the kernel has them" },
{ "unshare-ipc",           0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.ipc),          OPT_BWRAP,                "New IPC namespace" },
{ "unshare-pid",           0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.pid),          OPT_BWRAP,                "New pid namespace" },
{ "unshare-net",           0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.net),          OPT_BWRAP,                "New network namespace, with only a loopback" },
{ "unshare-uts",           0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.uts),          OPT_BWRAP,                "New UTS namespace (host name)" },
{ "unshare-cgroup",        0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.cgroup),       OPT_BWRAP,                "New cgroup namespace" },
{ "unshare-cgroup-try",    0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.cgroup_try),   OPT_BWRAP,                "The same, if the kernel has them" },
{ "unshare-time",          0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.time),         0,                        "New time namespace" },
{ "boottime-offset",       1, "SECONDS",    GROUP_NAMESPACE, opt_offset,      AT(ns.boottime),     0,                        "Shift the boot clock in the new time namespace" },
{ "monotonic-offset",      1, "SECONDS",    GROUP_NAMESPACE, opt_offset,      AT(ns.monotonic),    0,                        "Shift the monotonic clock there" },
{ "userns",                1, "FD",         GROUP_NAMESPACE, opt_fd,          AT(ns.userns_fd),    OPT_BWRAP | OPT_LAST_WINS, "Join this user namespace" },
{ "userns2",               1, "FD",         GROUP_NAMESPACE, opt_fd,          AT(ns.userns2_fd),   OPT_BWRAP | OPT_LAST_WINS, "Join this user namespace after the set-up" },
{ "pidns",                 1, "FD",         GROUP_NAMESPACE, opt_fd,          AT(ns.pidns_fd),     OPT_BWRAP | OPT_LAST_WINS, "Join this pid namespace" },
{ "netns",                 1, "FD",         GROUP_NAMESPACE, opt_fd,          AT(ns.netns_fd),     OPT_LAST_WINS,            "Join this network namespace" },
{ "disable-userns",        0, "",           GROUP_NAMESPACE, opt_bool,        AT(ns.disable_userns), OPT_BWRAP,              "Forbid user namespaces inside" },
{ "assert-userns-disabled", 0, "",          GROUP_NAMESPACE, opt_bool,        AT(ns.assert_userns_disabled), OPT_BWRAP,      "Fail unless user namespaces are forbidden inside" },
{ "hostname",              1, "NAME",       GROUP_NAMESPACE, opt_hostname,    0,                   OPT_BWRAP | OPT_LAST_WINS, "Host name inside (needs --unshare-uts)" },

{ "uid",                   1, "UID",        GROUP_ID,        opt_id,          AT(ids.uid),         OPT_BWRAP | OPT_LAST_WINS, "User id inside" },
{ "gid",                   1, "GID",        GROUP_ID,        opt_id,          AT(ids.gid),         OPT_BWRAP | OPT_LAST_WINS, "Group id inside" },
{ "keep-id",               0, "",           GROUP_ID,        opt_bool,        AT(ids.keep),        0,                        "Keep the caller's ids inside, not root's" },

{ "bind",                  2, "SRC DEST",   GROUP_FS,        opt_bind,        0,                   OPT_BWRAP,                "Bind the host's SRC on DEST" },
{ "bind-try",              2, "SRC DEST",   GROUP_FS,        opt_bind,        OP_TRY,              OPT_BWRAP,                "The same, if SRC exists" },
{ "dev-bind",              2, "SRC DEST",   GROUP_FS,        opt_bind,        OP_DEVICES,          OPT_BWRAP,                "Bind SRC on DEST, device nodes included" },
{ "dev-bind-try",          2, "SRC DEST",   GROUP_FS,        opt_bind,        OP_DEVICES | OP_TRY, OPT_BWRAP,                "The same, if SRC exists" },
{ "ro-bind",               2, "SRC DEST",   GROUP_FS,        opt_bind,        OP_RDONLY,           OPT_BWRAP,                "Bind SRC on DEST, read-only" },
{ "ro-bind-try",           2, "SRC DEST",   GROUP_FS,        opt_bind,        OP_RDONLY | OP_TRY,  OPT_BWRAP,                "The same, if SRC exists" },
{ "bind-fd",               2, "FD DEST",    GROUP_FS,        opt_bind_fd,     0,                   OPT_BWRAP,                "Bind the directory or file open as FD on DEST" },
{ "ro-bind-fd",            2, "FD DEST",    GROUP_FS,        opt_bind_fd,     OP_RDONLY,           OPT_BWRAP,                "The same, read-only" },
{ "remount-ro",            1, "DEST",       GROUP_FS,        opt_path_op,     OP_REMOUNT_RO,       OPT_BWRAP,                "Make the mount on DEST read-only" },
{ "overlay-src",           1, "SRC",        GROUP_FS,        opt_overlay_src, 0,                   OPT_BWRAP | OPT_MODIFIER | OPT_LAYERS, "Lower layer of the next overlay, bottom first" },
{ "overlay",               3, "RWSRC WORKDIR DEST", GROUP_FS, opt_overlay,    OP_OVERLAY,          OPT_BWRAP | OPT_LAYERS,   "Overlay on DEST, changes kept in RWSRC" },
{ "tmp-overlay",           1, "DEST",       GROUP_FS,        opt_overlay,     OP_TMP_OVERLAY,      OPT_BWRAP | OPT_LAYERS,   "Overlay on DEST, changes thrown away" },
{ "ro-overlay",            1, "DEST",       GROUP_FS,        opt_overlay,     OP_RO_OVERLAY,       OPT_BWRAP | OPT_LAYERS,   "Overlay on DEST, read-only" },
{ "overlay-opt",           1, "OPTION",     GROUP_FS,        opt_overlay_opt, 0,                   OPT_MODIFIER | OPT_LAYERS, "Mount option for every overlay" },
{ "proc",                  1, "DEST",       GROUP_FS,        opt_path_op,     OP_PROC,             OPT_BWRAP,                "Process file system on DEST" },
{ "dev",                   1, "DEST",       GROUP_FS,        opt_path_op,     OP_DEV,              OPT_BWRAP,                "Small /dev on DEST" },
{ "tmpfs",                 1, "DEST",       GROUP_FS,        opt_path_op,     OP_TMPFS,            OPT_BWRAP | OPT_PERMS | OPT_SIZE, "Empty file system in memory on DEST" },
{ "mqueue",                1, "DEST",       GROUP_FS,        opt_path_op,     OP_MQUEUE,           OPT_BWRAP,                "POSIX message queues on DEST" },
{ "dir",                   1, "DEST",       GROUP_FS,        opt_path_op,     OP_DIR,              OPT_BWRAP | OPT_PERMS,    "Make the directory DEST" },
{ "file",                  2, "FD DEST",    GROUP_FS,        opt_data,        OP_FILE,             OPT_BWRAP | OPT_PERMS,    "Copy what FD gives to the file DEST" },
{ "bind-data",             2, "FD DEST",    GROUP_FS,        opt_data,        OP_BIND_DATA,        OPT_BWRAP | OPT_PERMS,    "Copy what FD gives to a file bound on DEST" },
{ "ro-bind-data",          2, "FD DEST",    GROUP_FS,        opt_data,        OP_BIND_DATA | OPT_DATA_RDONLY, OPT_BWRAP | OPT_PERMS, "The same, read-only" },
{ "symlink",               2, "TARGET DEST", GROUP_FS,       opt_symlink,     0,                   OPT_BWRAP,                "Make the symbolic link DEST" },
{ "mask",                  1, "PATH",       GROUP_FS,        opt_path_op,     OP_MASK,             0,                        "Hide PATH behind something empty, if it exists" },
{ "chmod",                 2, "OCTAL PATH", GROUP_FS,        opt_chmod,       0,                   OPT_BWRAP,                "Change the mode of PATH" },
{ "perms",                 1, "OCTAL",      GROUP_FS,        opt_perms,       0,                   OPT_BWRAP | OPT_MODIFIER | OPT_PERMS | OPT_SIZE, "Mode of what the next option makes" },
{ "size",                  1, "BYTES",      GROUP_FS,        opt_size,        0,                   OPT_BWRAP | OPT_MODIFIER | OPT_PERMS | OPT_SIZE, "Size of the next --tmpfs" },
{ "file-label",            1, "LABEL",      GROUP_FS,        opt_file_label,  0,                   OPT_BWRAP | OPT_LAST_WINS, "SELinux label of the files made" },
{ "dest-symlinks",         1, "follow|refuse", GROUP_FS,     opt_dest_symlinks, 0,                 0,                        "What a link as DEST's last part means (follow)" },

{ "clearenv",              0, "",           GROUP_ENV,       opt_env,         ENV_CLEAR,           OPT_BWRAP,                "Unset every variable" },
{ "setenv",                2, "VAR VALUE",  GROUP_ENV,       opt_env,         ENV_SET,             OPT_BWRAP,                "Set a variable" },
{ "unsetenv",              1, "VAR",        GROUP_ENV,       opt_env,         ENV_UNSET,           OPT_BWRAP,                "Unset a variable" },
{ "chdir",                 1, "DIR",        GROUP_ENV,       opt_string,      AT(process.chdir),   OPT_BWRAP | OPT_LAST_WINS, "Start in DIR" },
{ "argv0",                 1, "VALUE",      GROUP_ENV,       opt_string,      AT(process.argv0),   OPT_BWRAP | OPT_ONCE,     "The command's argv[0]" },

{ "new-session",           0, "",           GROUP_PROCESS,   opt_bool,        AT(process.new_session), OPT_BWRAP,            "Start a terminal session of its own" },
{ "pty",                   0, "",           GROUP_PROCESS,   opt_pty,         PTY_YES,             0,                        "Give COMMAND a terminal of its own" },
{ "no-pty",                0, "",           GROUP_PROCESS,   opt_pty,         PTY_NO,              0,                        "Hand COMMAND the caller's terminal" },
{ "die-with-parent",       0, "",           GROUP_PROCESS,   opt_bool,        AT(process.die_with_parent), OPT_BWRAP,        "Kill the sandbox when the caller dies" },
{ "as-pid-1",              0, "",           GROUP_PROCESS,   opt_bool,        AT(process.as_pid_1), OPT_BWRAP,               "Let COMMAND be pid 1, without a reaper" },
{ "forward-signals",       0, "",           GROUP_PROCESS,   opt_bool,        AT(process.forward_signals), 0,                "Pass TERM, INT, HUP, QUIT, USR1, USR2 on" },
{ "keep-fd",               1, "FD",         GROUP_PROCESS,   opt_fd_list,     AT(keep_fds),        0,                        "Leave FD open for COMMAND" },
{ "lock-file",             1, "DEST",       GROUP_PROCESS,   opt_list,        AT(lock_files),      OPT_BWRAP,                "Hold a lock on DEST while the sandbox lives" },
{ "sync-fd",               1, "FD",         GROUP_PROCESS,   opt_fd,          AT(process.sync_fd), OPT_BWRAP | OPT_LAST_WINS, "Keep FD open while the sandbox lives" },
{ "block-fd",              1, "FD",         GROUP_PROCESS,   opt_fd,          AT(process.block_fd), OPT_BWRAP | OPT_LAST_WINS, "Start COMMAND when FD can be read" },
{ "userns-block-fd",       1, "FD",         GROUP_PROCESS,   opt_fd,          AT(process.userns_block_fd), OPT_BWRAP | OPT_LAST_WINS, "Wait on FD for the id maps to be written" },

{ "cap-add",               1, "CAP",        GROUP_SECURITY,  opt_cap,         CAP_CHANGE_ADD,      OPT_BWRAP,                "Give COMMAND a capability (ALL: every one)" },
{ "cap-drop",              1, "CAP",        GROUP_SECURITY,  opt_cap,         CAP_CHANGE_DROP,     OPT_BWRAP,                "Take a capability away" },
{ "seccomp",               1, "FD",         GROUP_SECURITY,  opt_seccomp_fd,  AT(seccomp_fd),      OPT_BWRAP | OPT_LAST_WINS, "Load the BPF filter that FD gives" },
{ "add-seccomp-fd",        1, "FD",         GROUP_SECURITY,  opt_seccomp_fd,  AT(seccomp_fds),     OPT_BWRAP,                "The same; may be given several times" },
{ "seccomp-profile",       1, "NAME|FILE",  GROUP_SECURITY,  opt_string,      AT(seccomp_profile), OPT_LAST_WINS,            "System calls: default, strict, nested, none, or JSON" },
{ "seccomp-log",           0, "",           GROUP_SECURITY,  opt_bool,        AT(seccomp_log),     0,                        "Log what the profile refuses, and let it through" },
{ "landlock",              0, "",           GROUP_SECURITY,  opt_bool,        AT(landlock),        0,                        "Enforce the same writable places again, with Landlock" },
{ "exec-label",            1, "LABEL",      GROUP_SECURITY,  opt_string,      AT(process.exec_label), OPT_BWRAP | OPT_LAST_WINS, "SELinux label of COMMAND" },
{ "not-a-security-boundary", 0, "",         GROUP_SECURITY,  opt_bool,        AT(not_a_security_boundary), 0,                "Accepted for bubblewrap 0.12; weakens nothing" },

{ "info-fd",               1, "FD",         GROUP_REPORT,    opt_fd,          AT(report.info_fd),  OPT_BWRAP | OPT_LAST_WINS, "Write what was made to FD, as JSON" },
{ "json-status-fd",        1, "FD",         GROUP_REPORT,    opt_fd,          AT(report.json_status_fd), OPT_BWRAP | OPT_LAST_WINS, "Write start and end to FD, as JSON lines" },
{ "report",                1, "FILE",       GROUP_REPORT,    opt_string,      AT(report.file),     OPT_LAST_WINS,            "Write how it ended and what it used (-: stderr)" },

{ "memory",                1, "SIZE",       GROUP_LIMIT,     opt_amount,      AT(limits.memory),   OPT_LAST_WINS,            "Memory, beyond which COMMAND is killed" },
{ "memory-high",           1, "SIZE",       GROUP_LIMIT,     opt_amount,      AT(limits.memory_high), OPT_LAST_WINS,         "Memory, beyond which COMMAND is slowed down" },
{ "memory-swap",           1, "SIZE",       GROUP_LIMIT,     opt_amount,      AT(limits.memory_swap), OPT_LAST_WINS,         "Swap space (none, when --memory is given)" },
{ "pids-limit",            1, "N",          GROUP_LIMIT,     opt_count,       AT(limits.pids),     OPT_LAST_WINS,            "Processes and threads" },
{ "cpus",                  1, "N",          GROUP_LIMIT,     opt_cpus,        AT(limits.cpus),     OPT_LAST_WINS,            "CPU time, in CPUs: 0.5, 2" },
{ "cpu-weight",            1, "N",          GROUP_LIMIT,     opt_weight,      AT(limits.cpu_weight), OPT_LAST_WINS,          "Share of contended CPU time, 1 to 10000 (100)" },
{ "cpuset-cpus",           1, "LIST",       GROUP_LIMIT,     opt_cpu_list,    AT(limits.cpuset_cpus), OPT_LAST_WINS,         "Run on these CPUs only: 0-3,7" },
{ "cpuset-mems",           1, "LIST",       GROUP_LIMIT,     opt_cpu_list,    AT(limits.cpuset_mems), OPT_LAST_WINS,         "Use memory of these NUMA nodes only" },
{ "io-weight",             1, "N",          GROUP_LIMIT,     opt_weight,      AT(limits.io_weight), OPT_LAST_WINS,           "Share of contended devices, 1 to 10000 (100)" },
{ "device-read-bps",       1, "DEV:RATE",   GROUP_LIMIT,     opt_device_rate, IO_READ_BPS,         0,                        "Bytes a second read from DEV" },
{ "device-write-bps",      1, "DEV:RATE",   GROUP_LIMIT,     opt_device_rate, IO_WRITE_BPS,        0,                        "Bytes a second written to DEV" },
{ "device-read-iops",      1, "DEV:RATE",   GROUP_LIMIT,     opt_device_rate, IO_READ_IOPS,        0,                        "Reads a second from DEV" },
{ "device-write-iops",     1, "DEV:RATE",   GROUP_LIMIT,     opt_device_rate, IO_WRITE_IOPS,       0,                        "Writes a second to DEV" },
{ "timeout",               1, "DURATION",   GROUP_LIMIT,     opt_duration,    AT(limits.timeout_ns), OPT_LAST_WINS,          "End COMMAND after this time, with status 124" },
{ "kill-after",            1, "DURATION",   GROUP_LIMIT,     opt_duration,    AT(limits.kill_after_ns), OPT_LAST_WINS,       "Kill what a TERM has not ended by then (10s)" },
{ "ulimit",                1, "NAME=SOFT[:HARD]", GROUP_LIMIT, opt_ulimit,    0,                   0,                        "Resource limit of each process: nofile=1024" },
{ "cgroup",                1, "auto|systemd|cgroupfs|none", GROUP_LIMIT, opt_cgroup, 0,            OPT_LAST_WINS,            "What holds the limits (auto)" },
{ "slice",                 1, "SLICE",      GROUP_LIMIT,     opt_slice,       AT(limits.slice),    OPT_LAST_WINS,            "systemd's slice for the scope (app.slice)" },
{ "name",                  1, "NAME",       GROUP_LIMIT,     opt_name,        AT(limits.name),     OPT_LAST_WINS,            "Name of the sandbox: scope sbx-NAME.scope" },
{ "delegate-cgroup",       0, "",           GROUP_LIMIT,     opt_bool,        AT(limits.delegate), 0,                        "Let COMMAND manage a cgroup subtree of its own" },

{ "net",                   1, "none|host|user", GROUP_NET,   opt_net,         0,                   OPT_LAST_WINS,            "No network, the host's, or one of its own" },
{ "publish",               1, "[ADDR:]PORT:PORT[/udp]", GROUP_NET, opt_publish, 0,                 0,                        "Host port to sandbox port (127.0.0.1); also -p" },
{ "net-allow",             1, "RULE",       GROUP_NET,       opt_net_rule,    true,                0,                        "Let traffic to RULE out; without RULEs, all" },
{ "net-deny",              1, "RULE",       GROUP_NET,       opt_net_rule,    false,               0,                        "Keep traffic to RULE in; the first match counts" },
{ "net-log",               1, "FD",         GROUP_NET,       opt_net_log,     0,                   OPT_LAST_WINS,            "Write what is denied to FD, as JSON lines" },
{ "net-cidr",              1, "CIDR",       GROUP_NET,       opt_net_cidr,    0,                   OPT_LAST_WINS,            "IPv4 network of the sandbox (10.0.2.0/24)" },
{ "net-accel",             1, "splice|off", GROUP_NET,       opt_net_choice,  AT(net.no_splice),   OPT_LAST_WINS,            "Fast path for TCP (splice, where it works)" },
{ "net-on-failure",        1, "kill|keep",  GROUP_NET,       opt_net_choice,  AT(net.keep_on_failure), OPT_LAST_WINS,        "When the network helper dies (kill the sandbox)" },
{ "mtu",                   1, "BYTES",      GROUP_NET,       opt_mtu,         0,                   OPT_LAST_WINS,            "MTU of the network of its own (65520)" },
};
/* clang-format on */

enum { N_OPTIONS = sizeof(options) / sizeof(options[0]) };

static const char *const group_titles[GROUP_COUNT] = {
	[GROUP_GENERAL] = "General",
	[GROUP_NAMESPACE] = "Namespaces",
	[GROUP_ID] = "Ids",
	[GROUP_FS] = "Files, in the order given",
	[GROUP_ENV] = "Environment",
	[GROUP_PROCESS] = "Process",
	[GROUP_SECURITY] = "Security",
	[GROUP_REPORT] = "Reports",
	[GROUP_LIMIT] = "Limits",
	[GROUP_NET] = "Network",
};

static const struct option *find_exact(const char *name, size_t len)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strncmp(options[i].name, name, len) == 0 && options[i].name[len] == '\0')
			return &options[i];
	return NULL;
}

/* Finds the row for a word. sbx's own one-argument options also take --name=value; bwrap's do not,
 * as there. */
static const struct option *find_option(const char *word, char **ret_value)
{
	const struct option *opt;
	size_t len;

	*ret_value = NULL;
	if (strcmp(word, "-p") == 0)
		word = "--publish";
	if (strncmp(word, "--", 2) != 0)
		return NULL;
	word += 2;
	len = strcspn(word, "=");
	opt = find_exact(word, len);
	if (!opt || word[len] == '\0')
		return opt;
	if ((opt->flags & OPT_BWRAP) || opt->args != 1)
		return NULL;
	*ret_value = (char *)word + len + 1;
	return opt;
}

static int check_arity(const struct option *opt, int have, struct err *err)
{
	static const char *const counts[] = { "", "an argument", "two arguments",
		                              "three arguments" };
	const char *count = counts[opt->args];
	const char *name = opt->name;

	if (have >= (int)opt->args)
		return 0;
	/* bwrap's own wording, odd ones included */
	if (!strcmp(name, "argv0") || !strcmp(name, "chdir") || !strcmp(name, "remount-ro"))
		count = "one argument";
	if (!strcmp(name, "ro-bind-fd"))
		name = "bind-fd";
	return err_text(err, 0, "--%s takes %s", name, count);
}

/* What --perms, --size and --overlay-src announced must be taken by the next option. */
static int check_pending(const struct parse *ps, const struct option *opt, struct err *err)
{
	if (ps->perms != OP_PERMS_DEFAULT && !(opt->flags & OPT_PERMS))
		return err_text(err, 0,
		                "--perms must be followed by an option that creates a file");
	if (ps->size && !(opt->flags & OPT_SIZE))
		return err_text(err, 0, "--size must be followed by --tmpfs");
	if (ps->layers && !(opt->flags & OPT_LAYERS))
		return err_text(
			err, 0,
			"--overlay-src must be followed by another --overlay-src or one of --overlay, --tmp-overlay, or --ro-overlay");
	return 0;
}

static int check_repeat(struct parse *ps, const struct option *opt, struct err *err)
{
	unsigned char *seen = &ps->seen[opt - options];
	const char *warning;

	if (!*seen) {
		*seen = 1;
		return 0;
	}
	if (opt->flags & OPT_ONCE)
		return err_text(err, 0, "--%s used multiple times", opt->name);
	if (!(opt->flags & OPT_LAST_WINS))
		return 0;
	if (!ps->plan->level_prefix)
		ps->plan->n_plain_warnings = ps->plan->warnings.len + 1;
	warning = plan_printf(ps->plan, "Only the last --%s option will take effect", opt->name);
	if (!warning || vec_add(&ps->plan->warnings, &warning) < 0)
		return err_text(err, ENOMEM, "read the command line");
	return 0;
}

static int take_option(struct parse *ps, int argc, char **argv, struct err *err)
{
	char *value;
	const struct option *opt = find_option(argv[0], &value);
	char **args = value ? &value : argv + 1;
	int r;

	if (!opt)
		return err_step(err, STEP_OPTION, 0, argv[0], NULL);
	r = check_arity(opt, value ? 1 : argc - 1, err);
	if (r == 0)
		r = check_repeat(ps, opt, err);
	if (r == 0)
		r = opt->handle(ps, opt, args, err);
	if (r == 0)
		r = check_pending(ps, opt, err);
	if (r < 0)
		return r;
	if (!(opt->flags & OPT_MODIFIER)) {
		ps->perms = OP_PERMS_DEFAULT;
		ps->size = 0;
	}
	return value ? 1 : 1 + (int)opt->args;
}

/* Walks one list of words up to the command. Returns how many belong to options (a "--" included).
 */
static int parse_words(struct parse *ps, int argc, char **argv, struct err *err)
{
	int at = 0;

	while (at < argc && argv[at][0] == '-') {
		int r;

		if (strcmp(argv[at], "--") == 0)
			return at + 1;
		r = take_option(ps, argc - at, argv + at, err);
		if (r < 0)
			return r;
		if (ps->plan->help || ps->plan->version || ps->plan->list_options)
			return argc;
		at += r;
	}
	return at;
}

int opt_args(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct vec words = VEC_INIT(char *);
	char *data;
	size_t len;
	int fd;
	int r;

	(void)opt;
	if (ps->depth > 0)
		return err_text(err, 0, "--args not supported in arguments file");
	r = opt_parse_fd(args[0], &fd, err);
	if (r < 0)
		return r;
	r = ps->read(fd, &data, &len);
	if (r < 0)
		return err_text(err, -r, "Can't read --args data");
	r = vec_add(&ps->plan->owned, &data);
	for (char *word = data; r == 0 && word < data + len; word += strlen(word) + 1)
		r = vec_add(&words, &word);
	if (r < 0) {
		r = err_text(err, -r, "Can't read --args data");
	} else {
		ps->depth++;
		r = parse_words(ps, (int)words.len, words.items, err);
		ps->depth--;
	}
	vec_free(&words);
	return r < 0 ? r : 0;
}

int options_parse(struct plan *plan, int argc, char **argv, options_read_fn *read, struct err *err)
{
	struct parse ps = {
		.plan = plan,
		.read = read,
		.perms = OP_PERMS_DEFAULT,
		.seen = calloc(N_OPTIONS, 1),
	};
	int r;

	if (!ps.seen)
		return err_text(err, ENOMEM, "read the command line");
	r = argc > 0 ? parse_words(&ps, argc - 1, argv + 1, err) : 0;
	free(ps.seen);
	if (r < 0)
		return r;
	if (ps.layers)
		return err_text(
			err, 0,
			"--overlay-src must be followed by another --overlay-src or one of --overlay, --tmp-overlay, or --ro-overlay");
	if (argc > 0 && r < argc - 1)
		plan->process.argv = argv + 1 + r;
	return 0;
}

static void print_row(FILE *out, const struct option *opt)
{
	const int width = 28;
	char left[64];
	int len = snprintf(left, sizeof(left), "--%s%s%s", opt->name, opt->args ? " " : "",
	                   opt->metavar);

	if (len > width)
		fprintf(out, "    %s\n    %-*s %s\n", left, width, "", opt->help);
	else
		fprintf(out, "    %-*s %s\n", width, left, opt->help);
}

char *options_usage(const char *program)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "usage: %s [OPTIONS...] [--] COMMAND [ARGS...]\n", program);
	for (int group = 0; group < GROUP_COUNT; group++) {
		bool titled = false;

		for (size_t i = 0; i < N_OPTIONS; i++) {
			if ((int)options[i].group != group || (options[i].flags & OPT_HIDDEN))
				continue;
			if (!titled)
				fprintf(out, "\n%s:\n", group_titles[group]);
			titled = true;
			print_row(out, &options[i]);
		}
	}
	return fclose(out) == 0 ? text : NULL;
}

char *options_list(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *opt = &options[i];

		if (!(opt->flags & OPT_HIDDEN))
			fprintf(out, "%s\t%u\t%s\t%s\t%s\t%s\n", opt->name, opt->args, opt->metavar,
			        group_titles[opt->group],
			        opt->flags & OPT_BWRAP ? "bwrap" : "native", opt->help);
	}
	return fclose(out) == 0 ? text : NULL;
}

static bool row_is_sound(size_t i)
{
	const struct option *opt = &options[i];
	unsigned int words = 0;

	for (const char *p = opt->metavar; *p; p += strspn(p, " ")) {
		words++;
		p += strcspn(p, " ");
	}
	for (size_t k = 0; k < i; k++)
		if (strcmp(options[k].name, opt->name) == 0)
			return false;
	return words == opt->args && opt->handle && opt->help[0] && strlen(opt->help) <= 50 &&
	       (i == 0 || options[i - 1].group <= opt->group);
}

const char *options_selfcheck(void)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (!row_is_sound(i))
			return options[i].name;
	return NULL;
}
