/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan-print.h"

#include <stdio.h>
#include <string.h>

#include "core/capability.h"
#include "core/plan-landlock.h"
#include "core/plan.h"

/* A word that a shell would read back as it is stays bare; anything else is quoted, bytes that
 * would break the line as \xNN. */
static void print_word(FILE *out, const char *word)
{
	bool plain =
		*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                                    "0123456789/._-+:@%,=~[]")];

	fputs(plain ? " " : " '", out);
	for (const unsigned char *p = (const unsigned char *)word; *p; p++) {
		if (*p < 0x20 || *p == 0x7f || *p == '\'' || *p == '\\')
			fprintf(out, "\\x%02x", *p);
		else
			fputc(*p, out);
	}
	if (!plain)
		fputc('\'', out);
}

static void print_namespaces(FILE *out, const struct plan *plan)
{
	const struct plan_ns *ns = &plan->ns;
	const struct {
		bool on;
		const char *name;
	} kinds[] = {
		{ ns->new_user, "user" }, { true, "mount" },    { ns->pid, "pid" },
		{ ns->net, "net" },       { ns->ipc, "ipc" },   { ns->uts, "uts" },
		{ ns->cgroup, "cgroup" }, { ns->time, "time" },
	};
	const struct {
		int fd;
		const char *name;
	} joins[] = {
		{ ns->userns_fd, "user" },
		{ ns->pidns_fd, "pid" },
		{ ns->netns_fd, "net" },
	};

	for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++)
		if (joins[i].fd >= 0)
			fprintf(out, "join %s namespace of fd %d\n", joins[i].name, joins[i].fd);
	fputs("new namespaces", out);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].on)
			fprintf(out, " %s", kinds[i].name);
	fputc('\n', out);
	if (ns->boottime)
		fprintf(out, "clock boottime %s\n", ns->boottime);
	if (ns->monotonic)
		fprintf(out, "clock monotonic %s\n", ns->monotonic);
}

static void print_ids(FILE *out, const struct plan *plan)
{
	const struct plan_ids *ids = &plan->ids;

	if (plan->process.userns_block_fd >= 0)
		fprintf(out, "wait for id maps on fd %d\n", plan->process.userns_block_fd);
	else if (plan->ns.new_user)
		fprintf(out, "map uid %u gid %u to the caller\n", ids->outer_uid, ids->outer_gid);
	if (plan->ns.net)
		fputs("loopback up\n", out);
}

static void print_net(FILE *out, const struct plan *plan)
{
	const struct plan_net *net = &plan->net;
	char addr[NET_ADDR_MAX];

	if (net->mode != NET_MODE_USER)
		return;
	for (size_t i = 0; i < net->publish.len; i++)
		fprintf(out, "publish %s\n",
		        VEC_AT(&net->publish, struct plan_net_publish, i).text);
	fprintf(out, "start the network helper%s\n",
	        net->no_splice ? "" : ", fast path if possible");
	for (size_t i = 0; i < net->rules.len; i++) {
		const struct plan_net_rule *rule = &VEC_AT(&net->rules, struct plan_net_rule, i);

		fprintf(out, "network %s %s\n", rule->allow ? "allow" : "deny", rule->text);
	}
	net_addr_format(&net->net4.addr, addr);
	fprintf(out, "network device mtu %u net %s/%u", net->mtu, addr,
	        net->net4.prefix - NET_PREFIX4);
	if (net->v6) {
		net_addr_format(&net->net6.addr, addr);
		fprintf(out, " net %s/%u", addr, net->net6.prefix);
	}
	fputc('\n', out);
}

static const char *const op_names[OP_KINDS] = {
	[OP_BIND] = "bind",
	[OP_BIND_FD] = "bind-fd",
	[OP_REMOUNT_RO] = "remount",
	[OP_PROC] = "proc",
	[OP_DEV] = "dev",
	[OP_TMPFS] = "tmpfs",
	[OP_MQUEUE] = "mqueue",
	[OP_DIR] = "dir",
	[OP_FILE] = "file",
	[OP_BIND_DATA] = "bind-data",
	[OP_SYMLINK] = "symlink",
	[OP_CHMOD] = "chmod",
	[OP_OVERLAY] = "overlay",
	[OP_TMP_OVERLAY] = "tmp-overlay",
	[OP_RO_OVERLAY] = "ro-overlay",
	[OP_HOSTNAME] = "hostname",
	[OP_MASK] = "mask",
	[OP_TEXT] = "write",
};

static void print_layers(FILE *out, const struct plan *plan, const struct op *op)
{
	for (size_t i = 0; i < op->n_layers; i++) {
		fputs(i ? " +" : " lower", out);
		print_word(out, VEC_AT(&plan->layers, const char *, op->layers_at + i));
	}
	if (op->kind == OP_OVERLAY) {
		fputs(" upper", out);
		print_word(out, op->src);
		fputs(" work", out);
		print_word(out, op->work);
	}
	for (size_t i = 0; op->n_layers && i < plan->overlay_opts.len; i++) {
		fputs(" option", out);
		print_word(out, VEC_AT(&plan->overlay_opts, const char *, i));
	}
}

static void print_source(FILE *out, const struct op *op)
{
	if (op->kind == OP_BIND_FD || op->kind == OP_FILE || op->kind == OP_BIND_DATA)
		fprintf(out, " fd %d ->", op->fd);
	if (op->kind == OP_BIND || op->kind == OP_HOSTNAME)
		print_word(out, op->src);
	if (op->kind == OP_BIND)
		fputs(" ->", out);
}

static void print_op(FILE *out, const struct plan *plan, const struct op *op)
{
	fputs(op_names[op->kind], out);
	print_source(out, op);
	if (op->dst)
		print_word(out, op->dst);
	if (op->kind == OP_SYMLINK) {
		fputs(" ->", out);
		print_word(out, op->src);
	}
	if (op->kind == OP_BIND || op->kind == OP_BIND_FD || op->kind == OP_BIND_DATA)
		fputs(op->flags & OP_RDONLY ? " ro" : " rw", out);
	if (op->kind == OP_REMOUNT_RO)
		fputs(" ro", out);
	if (op->flags & OP_DEVICES)
		fputs(" dev", out);
	if (op->flags & OP_TRY)
		fputs(" if-exists", out);
	if (op->perms != OP_PERMS_DEFAULT)
		fprintf(out, " mode %04o", (unsigned int)op->perms);
	if (op->size)
		fprintf(out, " size %llu", (unsigned long long)op->size);
	print_layers(out, plan, op);
}

static void print_seccomp(FILE *out, const struct plan *plan)
{
	const char *line = plan->seccomp_details;

	if (!plan->seccomp_profile)
		return;
	fputs("seccomp profile", out);
	print_word(out, plan->seccomp_profile);
	fputs(plan->seccomp_log ? ", log only\n" : "\n", out);
	while (line && *line) {
		size_t len = strcspn(line, "\n");

		fprintf(out, "  %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static void print_landlock(FILE *out, const struct plan *plan)
{
	if (!plan->landlock)
		return;
	fputs("landlock writable", out);
	for (size_t i = 0; i < plan->ops.len; i++)
		if (plan_landlock_writable(plan, i))
			print_word(out, plan_op(plan, i)->dst);
	fputc('\n', out);
}

static void print_fd_line(FILE *out, const char *what, int fd)
{
	if (fd >= 0)
		fprintf(out, "%s fd %d\n", what, fd);
}

static void print_second_user(FILE *out, const struct plan *plan)
{
	print_fd_line(out, "join user namespace of", plan->ns.userns2_fd);
	if (plan->ns.second_user)
		fprintf(out, "new user namespace%s, map uid %u gid %u\n",
		        plan->ns.disable_userns ? " (the last)" : "", plan->ids.inner_uid,
		        plan->ids.inner_gid);
	if (plan->ns.lock_mounts)
		fputs("lock the mounts\n", out);
	if (plan->ns.disable_userns || plan->ns.assert_userns_disabled)
		fputs("check that there can be no more user namespaces\n", out);
}

static void print_caps(FILE *out, const struct plan *plan)
{
	fputs("capabilities", out);
	if (plan->caps_start)
		fputs(" inherited", out);
	else if (!plan->caps.len)
		fputs(" none", out);
	for (size_t i = 0; i < plan->caps.len; i++) {
		const struct cap_change *change = &VEC_AT(&plan->caps, struct cap_change, i);
		const char *name = change->cap == CAP_EVERY ? "all" : capability_name(change->cap);

		fputs(change->kind == CAP_CHANGE_ADD ? " +" : " -", out);
		if (name)
			fputs(name, out);
		else
			fprintf(out, "%d", change->cap);
	}
	fputc('\n', out);
}

static void print_init(FILE *out, const struct plan *plan)
{
	if (plan->process.has_init)
		fputs("start pid 1\n", out);
	for (size_t i = 0; i < plan->lock_files.len; i++) {
		fputs("lock", out);
		print_word(out, VEC_AT(&plan->lock_files, const char *, i));
		fputc('\n', out);
	}
	print_fd_line(out, "hold", plan->process.sync_fd);
}

static void print_process(FILE *out, const struct plan *plan)
{
	const struct plan_process *process = &plan->process;

	print_fd_line(out, "wait for", process->block_fd);
	if (process->chdir) {
		fputs("chdir", out);
		print_word(out, process->chdir);
		fputc('\n', out);
	}
	if (process->has_pty)
		fputs("new session, terminal of its own\n", out);
	else if (process->new_session)
		fputs("new session\n", out);
	if (process->exec_label)
		fprintf(out, "label %s\n", process->exec_label);
	print_init(out, plan);
	print_landlock(out, plan);
	print_seccomp(out, plan);
	print_fd_line(out, "seccomp filter of", plan->seccomp_fd);
	for (size_t i = 0; i < plan->seccomp_fds.len; i++)
		print_fd_line(out, "seccomp filter of", VEC_AT(&plan->seccomp_fds, int, i));
	for (size_t i = 0; i < plan->keep_fds.len; i++)
		print_fd_line(out, "keep", VEC_AT(&plan->keep_fds, int, i));
}

static void print_exec(FILE *out, const struct plan *plan)
{
	const struct plan_process *process = &plan->process;

	fputs("exec", out);
	for (char **arg = process->argv; arg && *arg; arg++)
		print_word(out, *arg);
	if (process->argv0) {
		fputs(" # argv[0]", out);
		print_word(out, process->argv0);
	}
	fputc('\n', out);
}

/* What sbx itself does beside the sandbox. */
static void print_monitor(FILE *out, const struct plan *plan)
{
	print_fd_line(out, "tell the namespaces on", plan->report.info_fd);
	print_fd_line(out, "tell start and end on", plan->report.json_status_fd);
	if (plan->report.file) {
		fputs("report to", out);
		print_word(out, plan->report.file);
		fputc('\n', out);
	}
	if (plan->process.die_with_parent)
		fputs("end with the caller\n", out);
	if (plan->process.forward_signals)
		fputs("forward signals TERM INT HUP QUIT USR1 USR2\n", out);
}

static void print_env(FILE *out, const struct plan *plan)
{
	if (plan->skeleton)
		fputs("environment HOME USER PATH TERM LANG LC_*\n", out);
	for (size_t i = 0; i < plan->env.len; i++) {
		const struct env_change *change = &VEC_AT(&plan->env, struct env_change, i);

		if (change->kind == ENV_CLEAR) {
			fputs("clearenv\n", out);
			continue;
		}
		fputs(change->kind == ENV_SET ? "setenv" : "unsetenv", out);
		print_word(out, change->name);
		if (change->kind == ENV_SET)
			print_word(out, change->value);
		fputc('\n', out);
	}
}

char *plan_print(const struct plan *plan)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	print_namespaces(out, plan);
	(void)limits_print(out, &plan->limits);
	print_monitor(out, plan);
	print_ids(out, plan);
	print_net(out, plan);
	fputs(plan->refuse_dest_symlinks ? "root tmpfs, no links as destinations\n"
	                                 : "root tmpfs\n",
	      out);
	for (size_t i = 0; i < plan->ops.len; i++) {
		print_op(out, plan, plan_op(plan, i));
		fputc('\n', out);
	}
	fputs("pivot\n", out);
	print_env(out, plan);
	print_second_user(out, plan);
	print_caps(out, plan);
	print_process(out, plan);
	print_exec(out, plan);
	return fclose(out) == 0 ? text : NULL;
}

char *plan_print_op(const struct plan *plan, const struct op *op)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	print_op(out, plan, op);
	return fclose(out) == 0 ? text : NULL;
}
