/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options about namespaces, ids, capabilities, the environment and the process; the generic ones.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/capability.h"
#include "core/opt.h"
#include "core/parse.h"
#include "core/plan.h"

static void *field(const struct parse *ps, const struct option *opt)
{
	return (char *)ps->plan + opt->data;
}

int opt_parse_fd(const char *text, int *ret, struct err *err)
{
	if (parse_fd(text, ret) < 0)
		return err_text(err, 0, "Invalid fd: %s", text);
	return 0;
}

int opt_bool(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	(void)args;
	(void)err;
	*(bool *)field(ps, opt) = true;
	return 0;
}

int opt_fd(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	return opt_parse_fd(args[0], field(ps, opt), err);
}

int opt_string(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	if (!*args[0] && strcmp(opt->name, "argv0") != 0)
		return err_text(err, 0, "--%s: the argument may not be empty", opt->name);
	*(const char **)field(ps, opt) = args[0];
	return 0;
}

int opt_list(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	if (!*args[0])
		return err_text(err, 0, "--%s: a path may not be empty", opt->name);
	if (vec_add(field(ps, opt), &args[0]) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	return 0;
}

int opt_fd_list(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	int fd;
	int r = opt_parse_fd(args[0], &fd, err);

	if (r == 0 && vec_add(field(ps, opt), &fd) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	return r;
}

/* One way excludes the other, and the message begins with the one that came too late, as bwrap's.
 */
int opt_seccomp_fd(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	bool several = opt->data == offsetof(struct plan, seccomp_fds);

	if (several ? ps->plan->seccomp_fd >= 0 : ps->plan->seccomp_fds.len > 0)
		return err_text(err, 0, "--%s cannot be combined with --%s", opt->name,
		                several ? "seccomp" : "add-seccomp-fd");
	return several ? opt_fd_list(ps, opt, args, err) : opt_fd(ps, opt, args, err);
}

int opt_unshare_all(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct plan_ns *ns = &ps->plan->ns;

	(void)opt;
	(void)args;
	(void)err;
	ns->user_try = ns->ipc = ns->pid = ns->net = ns->uts = ns->cgroup_try = true;
	return 0;
}

int opt_share_net(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	(void)opt;
	(void)args;
	(void)err;
	ps->plan->ns.net = false;
	return 0;
}

int opt_id(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct plan_ids *ids = &ps->plan->ids;
	bool is_uid = strcmp(opt->name, "uid") == 0;

	if (parse_id(args[0], is_uid ? &ids->uid : &ids->gid) < 0)
		return err_text(err, 0, "Invalid %s: %s", opt->name, args[0]);
	*(is_uid ? &ids->uid_given : &ids->gid_given) = true;
	return 0;
}

int opt_pty(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	(void)args;
	(void)err;
	ps->plan->process.pty = (enum pty_choice)opt->data;
	return 0;
}

int opt_offset(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	int64_t sec;
	long nsec;

	if (parse_offset(args[0], &sec, &nsec) < 0)
		return err_text(err, 0, "--%s takes seconds, like 3600 or -0.5, not '%s'",
		                opt->name, args[0]);
	*(const char **)field(ps, opt) = args[0];
	return 0;
}

int opt_hostname(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct op op = { .kind = OP_HOSTNAME, .src = args[0], .fd = -1, .perms = OP_PERMS_DEFAULT };

	if (plan_add_op(ps->plan, &op) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	return 0;
}

static int unknown_cap(const struct parse *ps, const struct option *opt, const char *name,
                       struct err *err)
{
	if (ps->plan->personality == PERSONALITY_BWRAP)
		return err_text(err, 0, "unknown cap: %s", name);
	return err_text(
		err, 0,
		"--%s: '%s' is no capability: a name of capabilities(7), as CAP_NET_ADMIN, or ALL",
		opt->name, name);
}

int opt_cap(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct cap_change change = { .kind = (enum cap_change_kind)opt->data, .cap = CAP_EVERY };

	if (strcasecmp(args[0], "ALL") != 0) {
		change.cap = capability_from_name(args[0]);
		if (change.cap < 0)
			return unknown_cap(ps, opt, args[0], err);
	}
	if (vec_add(&ps->plan->caps, &change) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	return 0;
}

static int bad_variable(const struct parse *ps, const struct option *opt, const char *name,
                        struct err *err)
{
	if (ps->plan->personality == PERSONALITY_BWRAP)
		return err_text(err, opt->args == 2 ? 0 : EINVAL, "%s failed", opt->name);
	return err_text(err, 0, "--%s: '%s' is no name for a variable", opt->name, name);
}

int opt_env(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct env_change change = { .kind = (enum env_change_kind)opt->data };

	if (change.kind != ENV_CLEAR) {
		change.name = args[0];
		if (!*change.name || strchr(change.name, '='))
			return bad_variable(ps, opt, change.name, err);
	}
	if (change.kind == ENV_SET)
		change.value = args[1];
	if (vec_add(&ps->plan->env, &change) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	return 0;
}

int opt_debug(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	static const struct {
		const char *name;
		size_t at;
	} switches[] = {
		{ "force-openat-fallback", offsetof(struct plan, force_openat) },
		{ "force-mount-setattr-fallback", offsetof(struct plan, force_old_mount) },
		{ "fake-host", offsetof(struct plan, fake_host) },
	};

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (strcmp(args[0], switches[i].name) == 0) {
			*(bool *)((char *)ps->plan + switches[i].at) = true;
			return 0;
		}
	}
	return err_text(err, 0, "--%s: '%s' is not known", opt->name, args[0]);
}
