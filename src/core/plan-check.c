/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules between options: one row, one message. The words of bubblewrap's rules are its own. */
#include "core/plan-check.h"

#include <stddef.h>

#include "core/host.h"
#include "core/plan.h"

typedef bool rule_fn(const struct plan *plan, const struct host *host);

struct rule {
	rule_fn *broken;
	const char *message;
};

/* The new namespace is there only when it was asked for in so many words. */
static bool asked_user(const struct plan *plan)
{
	return plan->ns.user || (plan->ns.user_try && plan->ns.new_user);
}

#define RULE(name, condition)                                                                      \
	static bool name(const struct plan *plan, const struct host *host)                         \
	{                                                                                          \
		(void)host;                                                                        \
		return (condition);                                                                \
	}

RULE(block_without_user, plan->process.userns_block_fd >= 0 && !asked_user(plan))
RULE(block_without_info, plan->process.userns_block_fd >= 0 && plan->report.info_fd < 0)
RULE(userns_and_unshare, plan->ns.userns_fd >= 0 && plan->ns.user)
RULE(userns_and_try, plan->ns.userns_fd >= 0 && plan->ns.user_try)
RULE(disable_without_user, plan->ns.disable_userns && !asked_user(plan))
RULE(disable_and_block, plan->ns.disable_userns && plan->process.userns_block_fd >= 0)
RULE(uid_without_user, plan->ids.uid_given && !plan->ns.new_user && plan->ns.userns_fd < 0 &&
                               plan->ids.uid != host->uid)
RULE(gid_without_user, plan->ids.gid_given && !plan->ns.new_user && plan->ns.userns_fd < 0 &&
                               plan->ids.gid != host->gid)
RULE(pid_1_without_pid, plan->process.as_pid_1 && !plan->ns.pid)
RULE(pid_1_and_lock, plan->process.as_pid_1 && plan->lock_files.len > 0)
RULE(pty_without_tty, plan->process.pty == PTY_YES && !host->stdin_is_tty)
RULE(log_without_profile, plan->seccomp_log && !plan->seccomp_profile)
RULE(cgroup_missing, plan->ns.cgroup && !host->has_cgroup_ns)
RULE(labels_missing, (plan->process.exec_label || plan->process.file_label) && !host->has_selinux)
RULE(offset_without_time, (plan->ns.boottime || plan->ns.monotonic) && !plan->ns.time)
RULE(none_and_limits, plan->limits.choice == CGROUP_NONE && plan->uses_cgroup)
RULE(slice_without_systemd, plan->limits.slice && plan->limits.choice == CGROUP_CGROUPFS)
RULE(netns_and_unshare, plan->ns.netns_fd >= 0 && plan->ns.net)
RULE(keep_and_ids, plan->ids.keep && (plan->ids.uid_given || plan->ids.gid_given))

static bool hostname_without_uts(const struct plan *plan, const struct host *host)
{
	(void)host;
	for (size_t i = 0; i < plan->ops.len; i++)
		if (plan_op(plan, i)->kind == OP_HOSTNAME && !plan->ns.uts)
			return true;
	return false;
}

/* clang-format off */
static const struct rule rules[] = {
	{ block_without_user,   "--userns-block-fd requires --unshare-user" },
	{ block_without_info,   "--userns-block-fd requires --info-fd" },
	{ userns_and_unshare,   "--userns not compatible --unshare-user" },
	{ userns_and_try,       "--userns not compatible --unshare-user-try" },
	{ disable_without_user, "--disable-userns requires --unshare-user" },
	{ disable_and_block,    "--disable-userns is not compatible with  --userns-block-fd" },
	{ uid_without_user,     "Specifying --uid requires --unshare-user or --userns" },
	{ gid_without_user,     "Specifying --gid requires --unshare-user or --userns" },
	{ hostname_without_uts, "Specifying --hostname requires --unshare-uts" },
	{ pid_1_without_pid,    "Specifying --as-pid-1 requires --unshare-pid" },
	{ pid_1_and_lock,       "Specifying --as-pid-1 and --lock-file is not permitted" },
	{ pty_without_tty,      "--pty needs a terminal as standard input" },
	{ log_without_profile,  "--seccomp-log requires a --seccomp-profile" },
	{ cgroup_missing,       "Cannot create new cgroup namespace because the kernel does not support it" },
	{ labels_missing,       "labeling not supported on this system" },
	{ offset_without_time,  "--boottime-offset and --monotonic-offset require --unshare-time" },
	{ none_and_limits,      "--cgroup none cannot be combined with an option that needs a cgroup" },
	{ slice_without_systemd, "--slice cannot be combined with --cgroup cgroupfs" },
	{ netns_and_unshare,    "--netns cannot be combined with --unshare-net" },
	{ keep_and_ids,         "--keep-id cannot be combined with --uid or --gid" },
};
/* clang-format on */

int plan_check(const struct plan *plan, const struct host *host, struct err *err)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].broken(plan, host))
			return err_text(err, 0, "%s", rules[i].message);
	return plan_net_check(plan, host, err);
}
