/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tcp.c (connections), tcp-open.c (their beginnings), tcp-flow.c (their bytes) and
 * tcp-publish.c (who calls from the host) have of each other. */
#pragma once

#include "net/tcp-conn.h"
#include "net/tcp-wire.h"

LIST_HEAD(tcp_bucket, tcp_conn);
LIST_HEAD(tcp_publishers, tcp_publisher);
TAILQ_HEAD(tcp_list, tcp_conn);

struct tcp {
	struct engine *engine;
	struct net_addr outbound[2]; /* IPv4, IPv6; all zero for none */
	unsigned int count;
	size_t memory; /* in rings */
	struct tcp_bucket buckets[TCP_BUCKETS];
	struct tcp_list timed;
	struct tcp_list due;
	struct tcp_publishers publishers;
	bool paused;  /* one of them is */
	int64_t tick; /* when to look at deadlines next */
};

/* tcp.c */

struct tcp_conn *tcp_find(struct tcp *tcp, const struct frame *frame);
/* NULL: too many, or no memory. fd is taken over when it is not. */
struct tcp_conn *tcp_conn_new(struct tcp *tcp, const struct frame *frame, int fd);
/* Frees it. reset: the host is told by a RST. */
void tcp_conn_end(struct tcp_conn *conn, bool reset);
/* The same, and the sandbox is told by one, too. */
void tcp_conn_abort(struct tcp_conn *conn);
void tcp_conn_arm(struct tcp_conn *conn, int ms); /* 0: no deadline */
void tcp_ack_later(struct tcp_conn *conn);
size_t tcp_reserve(struct tcp *tcp, struct ring *ring, size_t want);
/* Sends a segment without data, or one with len bytes of to_guest from offset `from` on. */
void tcp_send_control(struct tcp_conn *conn, uint8_t flags, uint32_t seq);
void tcp_send_data(struct tcp_conn *conn, uint8_t flags, size_t from, size_t len);
/* How long until the next try, in ms. */
int tcp_pause(const struct tcp_conn *conn);

/* tcp-open.c */

void tcp_open(struct tcp *tcp, const struct frame *frame, const struct tcp_seg *syn);
void tcp_dialed(struct tcp_conn *conn, uint32_t events);
/* Whatever comes before the connection is open. */
void tcp_open_input(struct tcp_conn *conn, const struct frame *frame, const struct tcp_seg *seg);
void tcp_open_again(struct tcp_conn *conn);
/* The connection came from the host, and the sandbox is to hear of it. */
void tcp_open_call(struct tcp_conn *conn);

/* tcp-flow.c: these end the connection when it is over */

void tcp_flow_input(struct tcp_conn *conn, const struct tcp_seg *seg);
void tcp_flow_ready(struct tcp_conn *conn, uint32_t events);
void tcp_flow_again(struct tcp_conn *conn);

/* tcp-early.c: a segment from beyond rcv_nxt; and what of such is next, now that rcv_nxt has moved
 */

/* The room in to_host, with as much more as is wanted if it can be had. */
size_t tcp_early_room(struct tcp_conn *conn, size_t want);
void tcp_early_add(struct tcp_conn *conn, const struct tcp_seg *seg);
void tcp_early_take(struct tcp_conn *conn);

/* tcp-publish.c */

void tcp_publishers_free(struct tcp *tcp);
void tcp_publishers_tick(struct tcp *tcp);
