/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network part of a plan. */
#pragma once

#include <stdbool.h>

#include "core/net-rule.h"
#include "core/vec.h"

struct err;
struct host;
struct plan;

enum net_mode {
	NET_MODE_DEFAULT, /* what the namespace options say */
	NET_MODE_NONE,
	NET_MODE_HOST,
	NET_MODE_USER,
};

/* A rule or a published port in the words of the command line, already checked. */
struct plan_net_rule {
	bool allow;
	const char *text;
};

struct plan_net_publish {
	struct net_publish spec;
	const char *text;
};

struct plan_net {
	enum net_mode mode;
	unsigned int mtu; /* 0: the default */
	int log_fd;
	bool no_splice;
	bool no_splice4; /* resolved: not for IPv4 */
	bool keep_on_failure;
	bool given; /* some option that only means something with --net user */
	bool cidr_given;
	struct net_cidr net4; /* resolved, unless cidr_given */
	bool v6;              /* resolved: the host has a way out */
	struct net_cidr net6;
	struct vec rules;   /* struct plan_net_rule, in order */
	struct vec publish; /* struct plan_net_publish */
};

/* Chooses the sandbox's networks, away from the host's routes. Returns 0 or -errno. */
int plan_net_resolve(struct plan *plan, const struct host *host, struct err *err);

/* Refuses what cannot work. Returns 0 or -errno. */
int plan_net_check(const struct plan *plan, const struct host *host, struct err *err);
