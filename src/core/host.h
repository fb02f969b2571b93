/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the machine and the caller are: facts, found by run/probe.c (or made up by a test) before
 * the plan is completed. Strings are owned by the struct that probe_host() fills.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/parse-net.h"

enum { HOST_USR_LINKS = 6 };

enum { HOST_ROUTES_MAX = 64, HOST_DNS_MAX = 8 };

/* Looked at only for a network of its own. */
struct host_net {
	bool v4_default;                         /* there is a default route for IPv4 */
	bool v6_default;                         /* and for IPv6 */
	struct net_cidr routes[HOST_ROUTES_MAX]; /* IPv4, without the default route */
	size_t n_routes;
	struct net_addr dns[HOST_DNS_MAX]; /* the servers of /etc/resolv.conf */
	size_t n_dns;
	unsigned int unprivileged_port; /* the first that an ordinary user may bind */
};

struct host {
	uid_t uid;
	gid_t gid;
	uint64_t caps;      /* what root may use of its capabilities, bit N for N; 0 for others */
	bool userns_usable; /* the kernel has user namespaces and does not forbid them all */
	bool has_cgroup_ns;
	bool has_selinux;
	bool stdin_is_tty; /* looked at only where it matters */
	bool has_no_tty;   /* the caller has no controlling terminal, or cannot open it */
	char *cwd;         /* NULL when it was deleted or cannot be read */
	char *usr_links[HOST_USR_LINKS]; /* targets of /bin /sbin ... in host_usr_names order, or
	                                    NULL */
	char *localtime;                 /* target of /etc/localtime when it is a link */
	char nodename[65];
	char instance[32];              /* a name that no other run has */
	uint64_t memory_total;          /* bytes */
	const char *user, *home, *term; /* from the environment, may be NULL */
	char *const *environ;
	struct host_net net;
};

extern const char *const host_usr_names[HOST_USR_LINKS];
