/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Addresses, networks, ports and published ports as text. An address is always 16 bytes; IPv4 is
 * kept as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that one comparison serves both families.
 * Like core/parse.h, these are total and look at nothing but their arguments.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	NET_ADDR_MAX = 48,  /* the longest address as text, and its end */
	NET_MTU_MIN = 1280, /* what IPv6 asks of a link (RFC 8200 5) */
	NET_MTU_MAX = 65520,
	NET_PREFIX4 = 96, /* bits of ::ffff:0:0/96, in front of an IPv4 prefix */
};

struct net_addr {
	uint8_t b[16];
};

struct net_cidr {
	struct net_addr addr;
	unsigned int prefix; /* 0 to 128; an IPv4 network has 96 added */
};

struct net_ports {
	uint16_t first;
	uint16_t last; /* included */
};

/* One -p: host ports addr:host_first... go to guest ports guest_first..., count of them.
 * host_first 0 (with count 1) lets the kernel choose. */
struct net_publish {
	struct net_addr addr;
	uint16_t host_first;
	uint16_t guest_first;
	uint16_t count;
	bool udp;
};

/* Each returns 0, or -EINVAL and leaves *ret alone. */
int net_addr_parse(const char *text, struct net_addr *ret);
int net_cidr_parse(const char *text, struct net_cidr *ret); /* host bits must be 0 */
int net_mtu_parse(const char *text, unsigned int *ret);

/* "80,443,8000-8010" into at most max ranges. */
int net_ports_parse(const char *text, struct net_ports *ret, size_t max, size_t *ret_count);

/* [ADDR:]PORT[-PORT]:PORT[-PORT][/tcp|/udp]. The message quotes text and says what is accepted. */
int net_publish_parse(const char *text, struct net_publish *ret, struct err *err);

/* Collects the servers of a resolv.conf(5) (changing text), at most max: how many. Servers with a
 * scope (fe80::1%eth0) are left out: nobody can reach them by the address alone. */
size_t net_resolv_servers(char *text, struct net_addr *ret, size_t max);

/* Whether two published specifications want the same socket. */
bool net_publish_overlap(const struct net_publish *a, const struct net_publish *b);

/* Writes the shortest usual form. */
void net_addr_format(const struct net_addr *addr, char buf[NET_ADDR_MAX]);

bool net_addr_is4(const struct net_addr *addr);
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);
bool net_cidr_has(const struct net_cidr *net, const struct net_addr *addr);
bool net_cidr_overlap(const struct net_cidr *a, const struct net_cidr *b);

/* A host of a network by its number: 100 is 10.0.2.100 or fd00::100. */
struct net_addr net_cidr_host(const struct net_cidr *net, uint8_t last);
