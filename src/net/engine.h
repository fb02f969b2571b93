/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the helper share: the device, epoll, and each other. None of the parts is known
 * here but by name; loop.c puts them together.
 */
#pragma once

#include "net/filter.h"
#include "net/packet.h"

struct dns;
struct engine;
struct epoll_event;
struct err;
struct flows;
struct hostaddr;
struct netlog;
struct policy;
struct stack;
struct tcp;

/* Something to watch. ready() gets epoll's events; it may remove and close itself. */
struct source {
	int fd;
	void (*ready)(struct engine *engine, struct source *source, uint32_t events);
};

struct engine {
	int tap;
	int epoll;
	bool quit;
	bool loopback; /* the gateway's address stands for the host's loopback */
	struct net_link link;
	uint8_t guest_mac[6]; /* last seen; where frames go */
	uint8_t gateway_mac[6];
	struct policy *policy;
	struct netlog *log;
	struct stack *stack;
	struct tcp *tcp;
	struct flows *flows;
	struct dns *dns;
	struct hostaddr *hostaddr;
	struct source tap_source;
	bool tap_ready;
	struct epoll_event *events; /* not yet handed out, of this round */
	int events_count;
	unsigned int burst; /* frames to read in the next round */
	uint8_t in[VNET_LEN + PACKET_MAX];
	uint8_t out[PACKET_HEAD_MAX + 65535]; /* a payload starts at PACKET_HEAD_MAX */
};

/* Gives it the tap (a descriptor that reads and writes whole Ethernet frames). Owned from now on.
 */
int engine_attach(struct engine *engine, int tap, struct err *err);

/* Whether the resolver is at addr; without one (--disable-dns) it is an address like any other. */
bool engine_is_resolver(const struct engine *engine, const struct net_addr *addr);

/* The host's address for what the sandbox knows as dst (the gateway stands for the host's
 * loopback): false if that is not to be reached. from: the other way. */
bool engine_to_host(const struct engine *engine, const struct net_addr *dst, struct net_addr *ret);
void engine_from_host(const struct engine *engine, struct net_addr *addr);

/* Adds and removes sources; one that is removed is not called any more. add: 0 or -errno. */
int engine_watch(struct engine *engine, struct source *source, uint32_t events);
void engine_unwatch(struct engine *engine, struct source *source);

/* Sends a frame to the sandbox; one that the tap does not take is lost,
 * as on a wire. */
void engine_send(struct engine *engine, const uint8_t *frame, size_t len);

/* Sends len bytes of payload along path (its MAC addresses are filled in), in pieces that fit.
 * There is room for PACKET_HEAD_MAX bytes in front of payload, and all of it may be overwritten. */
void engine_send_packet(struct engine *engine, struct packet_path *path, uint8_t proto,
                        uint8_t *payload, size_t len);
