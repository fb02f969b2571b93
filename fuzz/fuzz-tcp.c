/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The relay of TCP: a sandbox that says anything, a host that does anything, a device that loses
 * frames. Each byte is a function of its place in the stream, so that what arrives shows whether it
 * is the right one.
 */
#include "core/cleanup.h"
#include "net/config.h"
#include "net/dns.h"
#include "net/engine.h"
#include "net/log.h"
#include "net/policy.h"
#include "net/tcp-wire.h"
#include "net/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	GUEST_PORT = 40000,
	STEPS_MAX = 400,
	CHUNK = 2048,
	HOUR = 3600 * 1000, /* ms */
};

struct box {
	struct engine engine;
	int wire;
	int64_t late;
	uint32_t isn;      /* of the last SYN, which a connection begins with */
	uint32_t next;     /* what the sandbox says next, if it is honest */
	uint32_t ack;      /* and what it has got */
	uint32_t base;     /* where the host's stream begins */
	int host;          /* -1: none */
	uint32_t host_got; /* the sequence number of the byte it gets next */
	uint32_t host_put; /* how many it has sent */
};

/* the one connection's host side is a socket pair, as it is for the resolver */
static struct box *the_box;

static uint8_t pattern(uint32_t place)
{
	return (uint8_t)(place * 0x9e3779b1U >> 24);
}

int dns_take_stream(struct dns *dns)
{
	int pair[2];

	(void)dns;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	if (the_box->host >= 0)
		close(the_box->host);
	the_box->host = pair[0];
	the_box->host_got = the_box->isn + 1;
	the_box->host_put = 0;
	return pair[1];
}

void netlog_denied(struct netlog *log, enum net_proto proto, const struct net_addr *addr,
                   uint16_t port, const char *why)
{
	(void)log, (void)proto, (void)addr, (void)port, (void)why;
}

static void box_init(struct box *box)
{
	struct net_config config;
	struct net_link *link = &box->engine.link;
	int pair[2];

	net_config_init(&config);
	link->net4 = config.net4;
	link->mtu = 1500;
	link->host4 = net_cidr_host(&link->net4, 2);
	link->dns4 = net_cidr_host(&link->net4, 3);
	link->guest4 = net_cidr_host(&link->net4, 100);
	box->engine.dns = (struct dns *)box; /* that there is one is all that counts */
	box->engine.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	box->engine.tap = pair[0];
	box->wire = pair[1];
	box->host = -1;
	box->engine.tcp = tcp_new(&box->engine, &config);
	the_box = box;
}

static void box_done(struct box *box)
{
	tcp_free(box->engine.tcp);
	close(box->engine.epoll);
	close(box->engine.tap);
	close(box->wire);
	if (box->host >= 0)
		close(box->host);
}

/* Three bytes make a segment: the flags, how far from the truth its numbers are, how long it is. */
static void say(struct box *box, const uint8_t *in)
{
	uint8_t tcp[60 + CHUNK] = { 0 };
	size_t head = in[2] & 0x80 ? 28 : 20;
	size_t len = in[0] & TCP_SYN ? 0 : (size_t)(in[2] & 0x7f) * 16;
	uint32_t seq = box->next + (uint32_t)((int8_t)(in[1] << 4) >> 4) * 16;
	uint32_t ack = box->ack + (uint32_t)((int8_t)in[1] >> 4) * 16;
	struct frame frame = { .kind = FRAME_TCP,
		               .src = box->engine.link.guest4,
		               .dst = box->engine.link.dns4,
		               .sport = GUEST_PORT,
		               .dport = 53,
		               .payload = tcp,
		               .payload_len = head + len };

	for (int i = 0; i < 4; i++) {
		tcp[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
		tcp[8 + i] = (uint8_t)(ack >> (24 - 8 * i));
	}
	tcp[12] = (uint8_t)(head / 4 << 4);
	tcp[13] = in[0] & 0x3f;
	tcp[14] = in[0] & 0x40 ? 0 : in[2];
	if (head == 28)
		memcpy(tcp + 20, (const uint8_t[]){ 3, 3, 4, 2, 4, 5, 180, 0 }, 8);
	for (size_t i = 0; i < len; i++)
		tcp[head + i] = pattern(seq + (uint32_t)i);
	if ((in[0] & 0x17) == TCP_SYN)
		box->isn = seq;
	tcp_input(box->engine.tcp, &frame);
}

static void check_host(struct box *box)
{
	uint8_t buf[CHUNK];
	ssize_t n = box->host < 0 ? -1 : recv(box->host, buf, sizeof(buf), MSG_DONTWAIT);

	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] != pattern(box->host_got++))
			abort();
	}
}

static void host_send(struct box *box, size_t len)
{
	uint8_t buf[CHUNK];
	ssize_t n;

	for (size_t i = 0; i < len; i++)
		buf[i] = pattern(box->host_put + (uint32_t)i);
	n = box->host < 0 ? -1 : send(box->host, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	box->host_put += n > 0 ? (uint32_t)n : 0;
}

/* What the sandbox gets, of which it believes only what comes next; lost: it does not get it. */
static void hear(struct box *box, bool lost)
{
	uint8_t buf[VNET_LEN + PACKET_MAX];
	size_t skip = VNET_LEN + ETH_LEN + IP4_LEN;
	ssize_t n = recv(box->wire, buf, sizeof(buf), MSG_DONTWAIT);
	struct tcp_seg seg;

	if (n < (ssize_t)(skip + TCP_LEN) || buf[VNET_LEN + ETH_LEN + 9] != PROTO_TCP || lost)
		return;
	tcp_read(buf + skip, (size_t)n - skip, &seg);
	if (seg.flags & TCP_SYN) {
		box->ack = box->base = seg.seq + 1;
		box->next = seg.ack;
		return;
	}
	for (size_t i = 0; i < seg.len; i++) {
		if (seg.data[i] != pattern(seg.seq + (uint32_t)i - box->base))
			abort();
	}
	if (seg.seq == box->ack)
		box->ack += tcp_seg_span(&seg);
	if (seg.flags & TCP_ACK && tcp_seq_diff(seg.ack, box->next) > 0)
		box->next = seg.ack;
}

static void turn(struct box *box)
{
	struct epoll_event event;

	while (epoll_wait(box->engine.epoll, &event, 1, 0) == 1) {
		struct source *source = event.data.ptr;

		source->ready(&box->engine, source, event.events);
	}
	tcp_flush(box->engine.tcp);
}

static void step(struct box *box, const uint8_t *in)
{
	switch (in[0] & 7) {
	case 0:
		host_send(box, (size_t)in[1] * 8);
		break;
	case 1:
		check_host(box);
		break;
	case 2:
		if (box->host >= 0)
			shutdown(box->host, in[1] & 1 ? SHUT_WR : SHUT_RD);
		break;
	case 3:
		box->late += HOUR;
		tcp_tick(box->engine.tcp, box->late);
		break;
	case 4:
		hear(box, in[1] & 1);
		break;
	default:
		say(box, in + 1);
	}
	turn(box);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct box *box = calloc(1, sizeof(*box));

	if (!box)
		return 0;
	box_init(box);
	box->late = INT64_MAX / 2;
	for (int i = 0; i < STEPS_MAX && size >= 4; i++, data += 4, size -= 4)
		step(box, data);
	box_done(box);
	free(box);
	return 0;
}
