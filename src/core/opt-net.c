/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options about the network. */
#include <errno.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/opt.h"
#include "core/plan.h"

int opt_net(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	static const struct {
		const char *word;
		enum net_mode mode;
	} words[] = { { "none", NET_MODE_NONE },
		      { "host", NET_MODE_HOST },
		      { "user", NET_MODE_USER } };

	(void)opt;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(args[0], words[i].word) == 0) {
			ps->plan->net.mode = words[i].mode;
			return 0;
		}
	}
	return err_text(err, 0, "--net '%s': accepted are none, host and user", args[0]);
}

int opt_net_rule(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct plan_net_rule rule = { .allow = opt->data, .text = args[0] };
	struct net_rule parsed;
	int r = net_rule_parse(args[0], &parsed, err);

	if (r < 0)
		return r;
	ps->plan->net.given = true;
	return vec_add(&ps->plan->net.rules, &rule) < 0 ? err_text(err, ENOMEM, "--%s", opt->name)
	                                                : 0;
}

int opt_publish(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct plan_net_publish publish = { .text = args[0] };
	int r = net_publish_parse(args[0], &publish.spec, err);

	if (r < 0)
		return r;
	ps->plan->net.given = true;
	return vec_add(&ps->plan->net.publish, &publish) < 0
	               ? err_text(err, ENOMEM, "--%s", opt->name)
	               : 0;
}

int opt_mtu(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	(void)opt;
	ps->plan->net.given = true;
	if (net_mtu_parse(args[0], &ps->plan->net.mtu) < 0)
		return err_text(err, 0, "--mtu '%s': accepted is a number from %d to %d", args[0],
		                NET_MTU_MIN, NET_MTU_MAX);
	return 0;
}

int opt_net_cidr(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct net_cidr *net = &ps->plan->net.net4;

	(void)opt;
	ps->plan->net.given = ps->plan->net.cidr_given = true;
	if (net_cidr_parse(args[0], net) < 0 || !net_addr_is4(&net->addr) ||
	    net->prefix < NET_PREFIX4 + 8 || net->prefix > NET_PREFIX4 + 25)
		return err_text(
			err, 0,
			"--net-cidr '%s': accepted is an IPv4 network of /8 to /25, as 10.0.2.0/24",
			args[0]);
	return 0;
}

int opt_net_log(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	(void)opt;
	ps->plan->net.given = true;
	return opt_parse_fd(args[0], &ps->plan->net.log_fd, err);
}

/* Two words, of which the second (data says where) is the one that changes something. */
int opt_net_choice(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	const char *bar = strchr(opt->metavar, '|');
	size_t len = (size_t)(bar - opt->metavar);
	bool *flag = (bool *)((char *)ps->plan + opt->data);

	ps->plan->net.given = true;
	if (strcmp(args[0], bar + 1) == 0)
		*flag = true;
	else if (strlen(args[0]) == len && strncmp(args[0], opt->metavar, len) == 0)
		*flag = false;
	else
		return err_text(err, 0, "--%s '%s': accepted are %.*s and %s", opt->name, args[0],
		                (int)len, opt->metavar, bar + 1);
	return 0;
}
