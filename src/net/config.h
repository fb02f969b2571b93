/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the starter tells the helper, as lines of text:
 *
 *	mtu 65520			mac 52:55:0a:00:02:64
 *	net4 10.0.2.0/24		net6 fd12:3456:789a::/64
 *	dns 192.0.2.53			(any number, in the order to try them)
 *	allow RULE / deny RULE		(in order)
 *	publish tcp 8080 80		(a listener comes with it; the host port is for messages)
 *	ask				(a socket to ask for the host's name servers comes with it)
 *	log				(a descriptor for the log of denials comes with it)
 *	open				(no rules of our own: as slirp4netns)
 *	no-loopback, no-dns, icmp, splice
 *
 * Descriptors come in the order of the lines that want one.
 */
#pragma once

#include <stddef.h>

#include "core/net-rule.h"

struct err;

enum {
	NET_CONFIG_MAX = 128 * 1024, /* bytes of text */
	NET_DNS_MAX = 8,
	NET_RULES_MAX = 1024,
	NET_PUBLISH_MAX = 1024, /* ports, not specifications */
};

struct net_config_publish {
	bool udp;
	uint16_t host_port;
	uint16_t guest_port;
	int fd; /* -1 until its descriptor has come */
};

struct net_config {
	unsigned int mtu;
	uint8_t mac[6];
	bool v6;
	struct net_cidr net4;
	struct net_cidr net6;
	struct net_addr dns[NET_DNS_MAX];
	size_t dns_count;
	struct net_rule *rules;
	size_t rules_count;
	struct net_config_publish *publish;
	size_t publish_count;
	bool ask;
	int ask_fd;
	bool log;
	int log_fd;
	bool open;
	bool no_loopback;
	bool no_dns;
	bool splice;
	const struct net_addr *outbound4; /* only with slirp4netns' command line; may be NULL */
	const struct net_addr *outbound6;
};

/* Sets the defaults: MTU, 10.0.2.0/24, no IPv6. */
void net_config_init(struct net_config *config);

/* Takes one line (without its newline): 0 or -errno. */
int net_config_line(struct net_config *config, const char *line, struct err *err);

/* Hands a received descriptor to the next line that wants one: 0, or -EPROTO when none does. */
int net_config_fd(struct net_config *config, int fd);

/* Whether every line that wants a descriptor has one. */
bool net_config_complete(const struct net_config *config);

/* Closes what has not been taken out (set to -1) and frees. */
void net_config_done(struct net_config *config);
