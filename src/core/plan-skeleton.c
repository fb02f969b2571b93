/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan-skeleton.h"

#include <errno.h>
#include <string.h>

#include "core/host.h"
#include "core/path.h"
#include "core/plan.h"

const char *const host_usr_names[HOST_USR_LINKS] = { "/bin",   "/sbin",  "/lib",
	                                             "/lib32", "/lib64", "/libx32" };

/* Whether the operation hides what lies below its destination. */
static bool covers(enum op_kind kind)
{
	static const bool table[OP_KINDS] = {
		[OP_BIND] = true,       [OP_BIND_FD] = true, [OP_PROC] = true,
		[OP_DEV] = true,        [OP_TMPFS] = true,   [OP_MQUEUE] = true,
		[OP_SYMLINK] = true,    [OP_OVERLAY] = true, [OP_TMP_OVERLAY] = true,
		[OP_RO_OVERLAY] = true,
	};

	return table[kind];
}

/* Whether the operation puts something of the user's at its destination; the rest (--chmod,
 * --remount-ro, --mask) changes what the skeleton has laid there. */
static bool provides(enum op_kind kind)
{
	return covers(kind) || kind == OP_DIR || kind == OP_FILE || kind == OP_BIND_DATA;
}

static bool user_has(const struct plan *plan, const char *dst)
{
	for (size_t i = 0; i < plan->ops.len; i++) {
		const struct op *op = plan_op(plan, i);

		if (op->flags & (OP_SKELETON | OP_TRY) || !op->dst)
			continue;
		if ((provides(op->kind) && path_same(dst, op->dst)) ||
		    (covers(op->kind) && path_below(dst, op->dst)))
			return true;
	}
	return false;
}

bool plan_skeleton_wanted(const struct plan *plan)
{
	if (plan->personality != PERSONALITY_NATIVE || plan->bare)
		return false;
	for (size_t i = 0; i < plan->ops.len; i++) {
		const struct op *op = plan_op(plan, i);

		if (op->dst && covers(op->kind) && path_is_root(op->dst))
			return false;
	}
	return true;
}

static int lay(struct plan *plan, struct op op)
{
	if (user_has(plan, op.dst))
		return 0;
	op.flags |= OP_SKELETON;
	op.fd = -1;
	if (!op.perms)
		op.perms = OP_PERMS_DEFAULT;
	return plan_add_op(plan, &op);
}

/* The operation that brings the user's /usr, or NULL. */
static const struct op *usr_bind(const struct plan *plan)
{
	for (size_t i = 0; i < plan->ops.len; i++) {
		const struct op *op = plan_op(plan, i);

		if (covers(op->kind) && op->kind != OP_SYMLINK && path_same(op->dst, "/usr"))
			return op;
	}
	return NULL;
}

static int lay_usr_links(struct plan *plan, const struct host *host)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < HOST_USR_LINKS; i++)
		if (host->usr_links[i])
			r = lay(plan, (struct op){ .kind = OP_SYMLINK,
			                           .src = host->usr_links[i],
			                           .dst = host_usr_names[i] });
	return r;
}

/* What programs of the host's /usr read in /etc. The time zone is a link into /usr on most hosts.
 */
static int lay_usr_config(struct plan *plan, const struct host *host)
{
	static const char *const files[] = { "/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl",
		                             "/etc/pki" };
	const char *zone = host->localtime;
	struct op bind = { .kind = OP_BIND, .flags = OP_RDONLY | OP_TRY };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++) {
		bind.src = bind.dst = files[i];
		r = lay(plan, bind);
	}
	if (r < 0)
		return r;
	if (zone && (path_below(zone, "/usr") || strncmp(zone, "../usr/", 7) == 0))
		return lay(plan,
		           (struct op){ .kind = OP_SYMLINK, .src = zone, .dst = "/etc/localtime" });
	bind.src = bind.dst = "/etc/localtime";
	return lay(plan, bind);
}

int plan_skeleton_mounts(struct plan *plan, const struct host *host)
{
	static const struct op places[] = {
		{ .kind = OP_PROC, .dst = "/proc" },
		{ .kind = OP_DEV, .dst = "/dev" },
		{ .kind = OP_TMPFS, .dst = "/tmp", .perms = 01777 },
		{ .kind = OP_TMPFS, .dst = "/var/tmp", .perms = 01777 },
		{ .kind = OP_DIR, .dst = "/run", .perms = 0755 },
		{ .kind = OP_DIR, .dst = "/root", .perms = 0700 },
	};
	const struct op *usr = usr_bind(plan);
	size_t mine = plan->ops.len;
	bool from_host = usr && usr->kind == OP_BIND && path_same(usr->src, "/usr");
	int r = usr ? lay_usr_links(plan, host) : 0;

	for (size_t i = 0; r == 0 && i < sizeof(places) / sizeof(places[0]); i++)
		r = lay(plan, places[i]);
	if (r == 0 && from_host)
		r = lay_usr_config(plan, host);
	if (r == 0 && !plan->ns.net)
		r = lay(plan, (struct op){ .kind = OP_BIND,
		                           .flags = OP_RDONLY | OP_TRY,
		                           .src = "/etc/resolv.conf",
		                           .dst = "/etc/resolv.conf" });
	plan->skeleton = true;
	plan->n_skeleton = plan->ops.len - mine;
	return r < 0 ? r : vec_move_tail(&plan->ops, mine, 0);
}

const char *plan_skeleton_home(const struct plan *plan)
{
	return plan->ids.inner_uid == 0 ? "/root" : plan->ids.home;
}

const char *plan_skeleton_user(const struct plan *plan)
{
	return plan->ids.inner_uid == 0 ? "root" : plan->ids.user;
}

static int lay_text(struct plan *plan, const char *dst, const char *text)
{
	if (!text)
		return -ENOMEM;
	return lay(plan, (struct op){ .kind = OP_TEXT, .src = text, .dst = dst, .perms = 0644 });
}

static int lay_accounts(struct plan *plan)
{
	const struct plan_ids *ids = &plan->ids;
	const char *own_user = "";
	const char *own_group = "";
	int r;

	if (ids->inner_uid != 0)
		own_user = plan_printf(plan, "%s:x:%u:%u::%s:/bin/sh\n", ids->user, ids->inner_uid,
		                       ids->inner_gid, ids->home);
	if (ids->inner_gid != 0)
		own_group = plan_printf(plan, "%s:x:%u:\n", ids->inner_uid ? ids->user : "user",
		                        ids->inner_gid);
	if (!own_user || !own_group)
		return -ENOMEM;
	r = lay_text(plan, "/etc/passwd",
	             plan_printf(plan,
	                         "root:x:0:%u:root:/root:/bin/sh\n%s"
	                         "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
	                         ids->inner_uid ? 0 : ids->inner_gid, own_user));
	if (r < 0)
		return r;
	return lay_text(plan, "/etc/group",
	                plan_printf(plan, "root:x:0:\n%snogroup:x:65534:\n", own_group));
}

/* The helper answers at the third address of its network. */
static int lay_resolver(struct plan *plan)
{
	struct net_addr addr = net_cidr_host(&plan->net.net4, 3);
	char text[NET_ADDR_MAX];

	net_addr_format(&addr, text);
	return lay_text(plan, "/etc/resolv.conf", plan_printf(plan, "nameserver %s\n", text));
}

static const char *inner_hostname(const struct plan *plan, const struct host *host)
{
	const char *name = host->nodename;

	for (size_t i = 0; i < plan->ops.len; i++)
		if (plan_op(plan, i)->kind == OP_HOSTNAME)
			name = plan_op(plan, i)->src;
	return name;
}

static bool is_account_name(const char *name)
{
	return name && *name && !strpbrk(name, ":\n/") && strcmp(name, "root") != 0;
}

int plan_skeleton_files(struct plan *plan, const struct host *host)
{
	const char *name = inner_hostname(plan, host);
	size_t mine = plan->ops.len;
	int r;

	plan->ids.user = is_account_name(host->user) ? host->user : "user";
	plan->ids.home = host->home && host->home[0] == '/' && !strpbrk(host->home, ":\n")
	                         ? host->home
	                         : "/home/user";
	r = lay_accounts(plan);
	if (r == 0)
		r = lay_text(
			plan, "/etc/hosts",
			plan_printf(
				plan,
				"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n127.0.1.1\t%s\n",
				name));
	if (r == 0)
		r = lay_text(plan, "/etc/hostname", plan_printf(plan, "%s\n", name));
	if (r == 0)
		r = lay_text(plan, "/etc/nsswitch.conf",
		             "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
		             "services: files\nprotocols: files\n");
	if (r == 0 && plan->net.mode == NET_MODE_USER)
		r = lay_resolver(plan);
	if (r == 0 && plan->ids.inner_uid != 0)
		r = lay(plan, (struct op){ .kind = OP_DIR, .dst = plan->ids.home, .perms = 0700 });
	return r < 0 ? r : vec_move_tail(&plan->ops, mine, plan->n_skeleton);
}
