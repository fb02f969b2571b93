/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first thing a frame from the sandbox meets. Whoever holds CAP_NET_RAW in there can send any
 * bytes, so only what an honest kernel sends for plain TCP, UDP, echo, ARP and neighbour discovery
 * gets past: no fragments, options, extension headers, foreign ethertypes or source addresses, and
 * no destination that the host's own connect() would take for the host.
 * Pure; the frame is only read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/parse-net.h"

/* The sandbox's network as both sides know it. */
struct net_link {
	unsigned int mtu;
	bool loose; /* slirp4netns: any source in the network, and DHCP */
	bool v6;
	struct net_cidr net4;
	struct net_addr guest4;
	struct net_addr host4;
	struct net_addr dns4;
	struct net_cidr net6;
	struct net_addr guest6;
	struct net_addr host6;
	struct net_addr dns6;
	uint8_t mac[6]; /* the sandbox's; the source of every frame unless loose */
};

enum frame_kind {
	FRAME_DROP,
	FRAME_STACK, /* for stack.h: ARP, neighbour discovery, echo to the gateway, DHCP */
	FRAME_TCP,
	FRAME_UDP,
	FRAME_ECHO,
};

/* What was found in a frame; the pointers point into it. */
struct frame {
	enum frame_kind kind;
	const char *why; /* of a drop, a few words; NULL for what is not worth a word */
	uint8_t proto;   /* PROTO_x; 0 for ARP */
	struct net_addr src;
	struct net_addr dst;
	uint16_t sport; /* the identifier, of an echo */
	uint16_t dport;
	uint8_t *payload; /* of UDP; the whole message of TCP or ICMP */
	size_t payload_len;
};

/* Judges a frame of len bytes. */
void filter_frame(const struct net_link *link, uint8_t *data, size_t len, struct frame *ret);
