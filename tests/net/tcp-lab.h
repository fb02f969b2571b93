/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A relay of TCP whose sandbox is the test, which says every segment itself; the host's side is a
 * real socket on the loopback.
 */
#pragma once

#include "net/config.h"
#include "net/engine.h"
#include "net/packet.h"
#include "net/tcp-wire.h"
#include "net/tcp.h"

enum {
	GUEST_PORT = 40000,
	SCALE = 7,
};

struct lab {
	struct engine engine;
	struct net_config config;
	int wire; /* the sandbox's end */
	int listener;
	int host; /* the connection, as the host has it */
	uint16_t port;
	uint32_t seq; /* the sandbox's next */
	uint32_t ack; /* and what it expects */
	int64_t late;
	uint8_t frame[VNET_LEN + PACKET_MAX];
};

/* A relay without connections. */
struct lab *lab_new(void);
void lab_free(struct lab *lab);

/* One round of the helper's loop, without the device. */
void lab_turn(struct lab *lab, int wait_ms);

/* The sandbox sends a segment. */
void lab_say_raw(struct lab *lab, const uint8_t *tcp, size_t len);
void lab_say(struct lab *lab, struct tcp_seg seg);

/* Data, or nothing but an acknowledgement, at an offset from where the sandbox is. */
void lab_say_at(struct lab *lab, int offset, const char *data, uint8_t flags);

/* The next frame for the sandbox, waited for; it may be an ICMP message. */
size_t lab_next_frame(struct lab *lab);

/* The next segment for the sandbox, and what it must or must not be. */
struct tcp_seg lab_hear(struct lab *lab);
void lab_hear_nothing(struct lab *lab);
void lab_hear_ack(struct lab *lab);

/* Whatever has a deadline is due. */
void lab_later(struct lab *lab);
void lab_say_syn(struct lab *lab);

/* A connection to the listener that is open on both sides. */
struct lab *lab_connected(void);

/* What the host's program reads. */
void lab_expect_host(struct lab *lab, const char *text);
void lab_expect_host_end(struct lab *lab, int error);
