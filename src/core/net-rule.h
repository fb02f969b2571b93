/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Egress rules as text: DEST[:PORTS][/tcp|/udp|/icmp]. DEST is an address, a network, *, a host
 * name, *.SUFFIX, or one of @host @lan @metadata @dns; IPv6 goes in brackets before ports.
 * What a rule means for an address is decided in net/policy.h.
 */
#pragma once

#include "core/parse-net.h"

struct err;

enum {
	NET_RULE_PORTS_MAX = 16,
	NET_NAME_MAX = 254, /* a DNS name as text, without the last dot, and its end */
};

enum net_dest {
	NET_DEST_ANY, /* * : every address that is not denied by itself */
	NET_DEST_CIDR,
	NET_DEST_NAME,     /* what the helper's own resolver answered for this name */
	NET_DEST_SUFFIX,   /* the same for every name below it */
	NET_DEST_HOST,     /* the host: its loopback (as the gateway) and its own addresses */
	NET_DEST_LAN,      /* private ranges: RFC 1918, RFC 6598, RFC 4193 */
	NET_DEST_METADATA, /* cloud metadata services */
	NET_DEST_DNS,      /* the resolver: any name may be looked up */
};

enum net_proto {
	NET_TCP = 1,
	NET_UDP = 2,
	NET_ICMP = 4,
};

struct net_rule {
	bool allow;
	enum net_dest dest;
	struct net_cidr cidr;
	char name[NET_NAME_MAX]; /* lower case; a suffix without its "*." */
	unsigned int protos;     /* of enum net_proto */
	struct net_ports ports[NET_RULE_PORTS_MAX];
	size_t ports_count; /* 0: every port */
};

/* Parses text into *ret (which is complete but for .allow). On error *ret is unspecified and the
 * message quotes the rule and names the character at which it stops making sense. */
int net_rule_parse(const char *text, struct net_rule *ret, struct err *err);

/* A host name into lower case without a last dot: 0, or -EINVAL. dst holds NET_NAME_MAX bytes. */
int net_name_parse(const char *text, size_t len, char dst[NET_NAME_MAX]);

/* Whether a rule by name covers name (lower case). */
bool net_rule_has_name(const struct net_rule *rule, const char *name);

/* Whether the rule covers this protocol and port (the port is ignored for NET_ICMP). */
bool net_rule_has_port(const struct net_rule *rule, enum net_proto proto, uint16_t port);
