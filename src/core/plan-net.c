/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan-net.h"

#include <errno.h>
#include <stddef.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "core/host.h"
#include "core/plan.h"

/* The host's route (never the default route) that overlaps net, or NULL. */
static const struct net_cidr *route_in_the_way(const struct host *host, const struct net_cidr *net)
{
	for (size_t i = 0; i < host->net.n_routes; i++)
		if (net_cidr_overlap(&host->net.routes[i], net))
			return &host->net.routes[i];
	return NULL;
}

int plan_net_resolve(struct plan *plan, const struct host *host, struct err *err)
{
	static const char *const candidates[] = { "10.0.2.0/24", "10.113.2.0/24", "172.30.253.0/24",
		                                  "192.168.213.0/24" };
	struct plan_net *net = &plan->net;

	if (net->mode == NET_MODE_NONE)
		plan->ns.net = true;
	if (net->mode == NET_MODE_HOST)
		plan->ns.net = false;
	if (net->mode != NET_MODE_USER)
		return 0;
	if (plan->ns.netns_fd >= 0)
		return err_text(err, 0, "--net user cannot be combined with --netns");
	plan->ns.net = true;
	if (!net->mtu)
		net->mtu = NET_MTU_MAX;
	net->v6 = host->net.v6_default;
	/* the fast path takes a connection before it is made; where most can't be, that would keep
	 * programs from trying IPv6 next */
	net->no_splice4 = net->no_splice || !host->net.v4_default;
	net_cidr_parse("fd73:6278:6e65:74::/64", &net->net6);
	if (net->cidr_given)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
		net_cidr_parse(candidates[i], &net->net4);
		if (!route_in_the_way(host, &net->net4))
			return 0;
	}
	return err_text(
		err, 0,
		"no network for the sandbox is free of the host's routes: choose one with --net-cidr");
}

static int check_cidr(const struct plan *plan, const struct host *host, struct err *err)
{
	const struct net_cidr *net = &plan->net.net4;
	const struct net_cidr *route = route_in_the_way(host, net);
	char ours[NET_ADDR_MAX];
	char theirs[NET_ADDR_MAX];

	if (!route)
		return 0;
	net_addr_format(&net->addr, ours);
	net_addr_format(&route->addr, theirs);
	return err_text(err, 0, "--net-cidr %s/%u overlaps the host's route to %s/%u", ours,
	                net->prefix - NET_PREFIX4, theirs, route->prefix - NET_PREFIX4);
}

static int check_publish(const struct plan *plan, const struct host *host, size_t at,
                         struct err *err)
{
	const struct vec *list = &plan->net.publish;
	const struct plan_net_publish *publish = &VEC_AT(list, struct plan_net_publish, at);
	unsigned int first = publish->spec.host_first;

	if (!net_addr_is4(&publish->spec.addr) && !plan->net.v6)
		return err_text(
			err, 0,
			"--publish %s: the host has no way out over IPv6, so the sandbox has none",
			publish->text);
	if (first && first < host->net.unprivileged_port && host->uid != 0)
		return err_text(
			err, 0,
			"--publish %s: ports below %u are for root (net.ipv4.ip_unprivileged_port_start)",
			publish->text, host->net.unprivileged_port);
	for (size_t i = 0; i < at; i++) {
		const struct plan_net_publish *other = &VEC_AT(list, struct plan_net_publish, i);

		if (net_publish_overlap(&publish->spec, &other->spec))
			return err_text(err, 0, "--publish %s overlaps --publish %s", publish->text,
			                other->text);
	}
	return 0;
}

int plan_net_check(const struct plan *plan, const struct host *host, struct err *err)
{
	int r = 0;

	if (plan->net.mode != NET_MODE_USER)
		return plan->net.given
		               ? err_text(
					 err, 0,
					 "--publish, --mtu and the --net-... options need --net user")
		               : 0;
	if (plan->net.cidr_given)
		r = check_cidr(plan, host, err);
	for (size_t i = 0; r == 0 && i < plan->net.publish.len; i++)
		r = check_publish(plan, host, i, err);
	return r;
}
