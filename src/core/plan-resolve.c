/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan-resolve.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "core/host.h"
#include "core/plan-skeleton.h"
#include "core/plan.h"

static bool plan_has_op(const struct plan *plan, enum op_kind kind)
{
	for (size_t i = 0; i < plan->ops.len; i++)
		if (plan_op(plan, i)->kind == kind)
			return true;
	return false;
}

/* bwrap makes a user namespace unless the caller is root; sbx always does, so that root inside is
 * never root outside. */
static void resolve_userns(struct plan *plan, const struct host *host)
{
	struct plan_ns *ns = &plan->ns;

	/* whose maps somebody else writes may have any id in it */
	ns->host_root = host->uid == 0 || ns->userns_fd >= 0 || plan->process.userns_block_fd >= 0;
	if (ns->userns_fd >= 0)
		return;
	ns->new_user = ns->user || host->uid != 0 || plan->personality == PERSONALITY_NATIVE ||
	               (ns->user_try && host->userns_usable);
}

static void resolve_ids(struct plan *plan, const struct host *host)
{
	struct plan_ids *ids = &plan->ids;
	bool root = plan->personality == PERSONALITY_NATIVE && !ids->keep && plan->ns.new_user &&
	            plan->process.userns_block_fd < 0;

	ids->inner_uid = ids->uid_given ? ids->uid : root ? 0 : host->uid;
	ids->inner_gid = ids->gid_given ? ids->gid : root ? 0 : host->gid;
	ids->outer_uid = ids->inner_uid;
	ids->outer_gid = ids->inner_gid;
	if (!plan->ns.new_user || plan->process.userns_block_fd >= 0)
		return;
	/* devpts can only be mounted where root is mapped; the wanted ids come with a second
	 * namespace */
	if (plan_has_op(plan, OP_DEV))
		ids->outer_uid = ids->outer_gid = 0;
	plan->ns.second_user = ids->outer_uid != ids->inner_uid ||
	                       ids->outer_gid != ids->inner_gid || plan->ns.disable_userns;
}

/* As bwrap, root keeps what it has: over the host, or in a user namespace over what that owns. */
static void resolve_caps(struct plan *plan, const struct host *host)
{
	plan->caps_start = plan->personality == PERSONALITY_BWRAP ? host->caps : 0;
}

/* As sbx, what was mounted stays, whatever the payload may do. Below a second user namespace it can
 * change nothing of it anyway. */
static void resolve_locks(struct plan *plan)
{
	bool mounts = false;

	for (size_t i = 0; i < plan->caps.len; i++) {
		const struct cap_change *change = &VEC_AT(&plan->caps, struct cap_change, i);

		if (change->cap == CAP_EVERY || change->cap == CAP_SYS_ADMIN)
			mounts = change->kind == CAP_CHANGE_ADD;
	}
	plan->ns.lock_mounts = mounts && plan->personality == PERSONALITY_NATIVE &&
	                       !plan->ns.second_user && plan->ns.userns2_fd < 0;
}

static void resolve_process(struct plan *plan, const struct host *host)
{
	struct plan_process *process = &plan->process;
	bool native = plan->personality == PERSONALITY_NATIVE;

	/* who shares the process group of the caller can signal all of it, whatever pid namespace
	 * that is in (kill(2), pid 0); without a terminal, nobody misses it */
	process->new_session |= native && plan->ns.pid && host->has_no_tty;
	process->has_pty = process->pty == PTY_YES || (process->pty == PTY_AUTO && native &&
	                                               !process->new_session && host->stdin_is_tty);
	/* below a session's leader of ours, Ctrl-Z can stop the payload (setpgid(2)) */
	process->has_init = !process->as_pid_1 && (plan->ns.pid || plan->lock_files.len > 0 ||
	                                           process->sync_fd >= 0 || process->has_pty);
	process->dies_with_us = native || process->die_with_parent;
	process->forward_signals |= native || process->has_pty;
}

/* As sbx, who says nothing gets the default profile; as bwrap, none. */
static void resolve_seccomp(struct plan *plan)
{
	plan->seccomp_named = plan->seccomp_profile;
	if (!plan->seccomp_profile && plan->personality == PERSONALITY_NATIVE)
		plan->seccomp_profile = "default";
	if (plan->seccomp_profile && strcmp(plan->seccomp_profile, "none") == 0)
		plan->seccomp_profile = NULL;
}

static int resolve_limits(struct plan *plan, const struct host *host)
{
	struct limits *limits = &plan->limits;

	plan->uses_cgroup = limits_need_cgroup(limits);
	limits->memory_total = host->memory_total;
	plan->ns.cgroup |= limits->delegate;
	limits->measured =
		limits->delegate || plan->report.file || plan->report.json_status_fd >= 0;
	if (plan->uses_cgroup && !limits->name)
		limits->name = plan_printf(plan, "%s", host->instance);
	return plan->uses_cgroup && !limits->name ? -ENOMEM : 0;
}

int plan_resolve(struct plan *plan, const struct host *host, struct err *err)
{
	if (plan->ns.cgroup_try && host->has_cgroup_ns)
		plan->ns.cgroup = true;
	if (resolve_limits(plan, host) < 0)
		return err_text(err, ENOMEM, "name the sandbox");
	if (plan_net_resolve(plan, host, err) < 0)
		return -EINVAL;
	resolve_userns(plan, host);
	/* the skeleton brings a /dev, so it comes before the ids; what it writes depends on them */
	if (plan_skeleton_wanted(plan) && plan_skeleton_mounts(plan, host) < 0)
		return err_text(err, ENOMEM, "lay out the skeleton");
	resolve_ids(plan, host);
	if (plan->skeleton && plan_skeleton_files(plan, host) < 0)
		return err_text(err, ENOMEM, "lay out the skeleton");
	resolve_caps(plan, host);
	resolve_locks(plan);
	resolve_process(plan, host);
	resolve_seccomp(plan);
	return 0;
}

static bool is_variable(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static void env_unset(char **env, size_t *n, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (!is_variable(env[i], name))
			env[kept++] = env[i];
	*n = kept;
}

static int env_set(struct plan *plan, char **env, size_t *n, const char *name, const char *value)
{
	char *entry = (char *)plan_printf(plan, "%s=%s", name, value);

	if (!entry)
		return -ENOMEM;
	/* an existing variable keeps its place, as setenv(3) would have it */
	for (size_t i = 0; i < *n; i++) {
		if (is_variable(env[i], name)) {
			env[i] = entry;
			return 0;
		}
	}
	env[(*n)++] = entry;
	return 0;
}

/* With the skeleton, the host's environment says little that is true inside and some things that
 * are secret; what the terminal and the language need passes through. */
static bool passes_through(const char *entry)
{
	return is_variable(entry, "TERM") || is_variable(entry, "LANG") ||
	       strncmp(entry, "LC_", 3) == 0;
}

static int env_defaults(struct plan *plan, char **env, size_t *n)
{
	bool root = plan->ids.inner_uid == 0;
	int r = env_set(plan, env, n, "HOME", plan_skeleton_home(plan));

	if (r == 0)
		r = env_set(plan, env, n, "USER", root ? "root" : plan_skeleton_user(plan));
	if (r == 0)
		r = env_set(plan, env, n, "PATH",
		            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	return r;
}

static int env_apply(struct plan *plan, char **env, size_t *n)
{
	for (size_t i = 0; i < plan->env.len; i++) {
		const struct env_change *change = &VEC_AT(&plan->env, struct env_change, i);

		if (change->kind == ENV_CLEAR)
			*n = 0;
		else if (change->kind == ENV_UNSET)
			env_unset(env, n, change->name);
		else if (env_set(plan, env, n, change->name, change->value) < 0)
			return -ENOMEM;
	}
	return 0;
}

char **plan_environment(struct plan *plan, const struct host *host)
{
	size_t n = 0;
	size_t kept = 0;
	char **env;

	while (host->environ[n])
		n++;
	/* what is inherited, HOME, USER and PATH, one per --setenv, PWD, the end */
	env = calloc(n + 3 + plan->env.len + 2, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!plan->skeleton || passes_through(host->environ[i]))
			env[kept++] = host->environ[i];
	if ((plan->skeleton && env_defaults(plan, env, &kept) < 0) ||
	    env_apply(plan, env, &kept) < 0) {
		free(env);
		return NULL;
	}
	env[kept] = NULL;
	return env;
}
