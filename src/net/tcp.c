/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "net/config.h"
#include "net/sys.h"
#include "net/tcp-private.h"

enum {
	TICK_MS = 50,
	FIRST_MS = 200, /* before something is sent again; twice as long each time */
	PAUSE_DOUBLES = 7,
	MEMORY_MAX = 128 * 1024 * 1024, /* in rings; then they stay small */
};

struct tcp *tcp_new(struct engine *engine, const struct net_config *config)
{
	struct tcp *tcp = calloc(1, sizeof(*tcp));

	if (!tcp)
		return NULL;
	tcp->engine = engine;
	for (int i = 0; i < TCP_BUCKETS; i++)
		LIST_INIT(&tcp->buckets[i]);
	TAILQ_INIT(&tcp->timed);
	TAILQ_INIT(&tcp->due);
	LIST_INIT(&tcp->publishers);
	if (config->outbound4)
		tcp->outbound[0] = *config->outbound4;
	if (config->outbound6)
		tcp->outbound[1] = *config->outbound6;
	return tcp;
}

void tcp_free(struct tcp *tcp)
{
	struct tcp_conn *conn;

	if (!tcp)
		return;
	for (int i = 0; i < TCP_BUCKETS; i++) {
		while ((conn = LIST_FIRST(&tcp->buckets[i])))
			tcp_conn_end(conn, false); /* what the host's kernel has is still sent */
	}
	tcp_publishers_free(tcp);
	free(tcp);
}

static struct tcp_bucket *bucket(struct tcp *tcp, const struct frame *frame)
{
	uint32_t hash = (uint32_t)frame->sport << 16 | frame->dport;

	for (int i = 12; i < 16; i++)
		hash = hash * 31 + frame->dst.b[i];
	hash *= 0x9e3779b1; /* Knuth's */
	return &tcp->buckets[hash >> 16 & (TCP_BUCKETS - 1)];
}

struct tcp_conn *tcp_find(struct tcp *tcp, const struct frame *frame)
{
	struct tcp_conn *conn;

	LIST_FOREACH(conn, bucket(tcp, frame), by_path)
	{
		if (conn->guest_port == frame->sport && conn->peer_port == frame->dport &&
		    net_addr_equal(&conn->peer, &frame->dst) &&
		    net_addr_equal(&conn->guest, &frame->src))
			return conn;
	}
	return NULL;
}

static void conn_ready(struct engine *engine, struct source *source, uint32_t events)
{
	struct tcp_conn *conn = (struct tcp_conn *)source;

	(void)engine;
	if (conn->stage == TCP_DIALING)
		tcp_dialed(conn, events);
	else
		tcp_flow_ready(conn, events);
}

struct tcp_conn *tcp_conn_new(struct tcp *tcp, const struct frame *frame, int fd)
{
	struct tcp_conn *conn = tcp->count < TCP_CONNS_MAX ? calloc(1, sizeof(*conn)) : NULL;
	uint32_t seq = 0;
	int on = 1;

	if (!conn)
		return NULL;
	conn->source = (struct source){ .fd = fd, .ready = conn_ready };
	if (engine_watch(tcp->engine, &conn->source,
	                 EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET) < 0) {
		free(conn);
		return NULL;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	/* nobody else is on this link, but nobody is to guess it either */
	(void)!getrandom(&seq, sizeof(seq), GRND_NONBLOCK);
	conn->tcp = tcp;
	conn->guest = frame->src;
	conn->guest_port = frame->sport;
	conn->peer = frame->dst;
	conn->peer_port = frame->dport;
	conn->snd_una = conn->snd_nxt = conn->snd_max = conn->recover = seq;
	LIST_INSERT_HEAD(bucket(tcp, frame), conn, by_path);
	tcp->count++;
	return conn;
}

static void forget_ack(struct tcp_conn *conn)
{
	if (conn->ack_due)
		TAILQ_REMOVE(&conn->tcp->due, conn, due);
	conn->ack_due = false;
}

void tcp_conn_end(struct tcp_conn *conn, bool reset)
{
	struct linger linger = { .l_onoff = 1 };
	struct tcp *tcp = conn->tcp;

	if (reset)
		setsockopt(conn->source.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	engine_unwatch(tcp->engine, &conn->source);
	close(conn->source.fd);
	tcp_conn_arm(conn, 0);
	forget_ack(conn);
	tcp->memory -= conn->to_guest.size + conn->to_host.size;
	ring_free(&conn->to_guest);
	ring_free(&conn->to_host);
	LIST_REMOVE(conn, by_path);
	tcp->count--;
	free(conn);
}

void tcp_conn_abort(struct tcp_conn *conn)
{
	tcp_send_control(conn, TCP_RST | TCP_ACK, conn->snd_max);
	tcp_conn_end(conn, true);
}

int tcp_pause(const struct tcp_conn *conn)
{
	return FIRST_MS << (conn->tries < PAUSE_DOUBLES ? conn->tries : PAUSE_DOUBLES);
}

void tcp_conn_arm(struct tcp_conn *conn, int ms)
{
	struct tcp *tcp = conn->tcp;

	if (ms == 0) {
		if (conn->deadline)
			TAILQ_REMOVE(&tcp->timed, conn, timed);
		conn->deadline = 0;
		return;
	}
	if (!conn->deadline)
		TAILQ_INSERT_TAIL(&tcp->timed, conn, timed);
	conn->deadline = clock_ms() + ms;
}

void tcp_ack_later(struct tcp_conn *conn)
{
	if (!conn->ack_due)
		TAILQ_INSERT_TAIL(&conn->tcp->due, conn, due);
	conn->ack_due = true;
}

size_t tcp_reserve(struct tcp *tcp, struct ring *ring, size_t want)
{
	size_t before = ring->size;
	size_t most = tcp->memory < MEMORY_MAX ? TCP_WINDOW : before ? before : RING_FIRST;
	size_t room = ring_reserve(ring, want, most);

	tcp->memory += ring->size - before;
	return room;
}

static struct packet_path conn_path(const struct tcp_conn *conn)
{
	const struct engine *engine = conn->tcp->engine;

	return (struct packet_path){ .dst_mac = engine->guest_mac,
		                     .src_mac = engine->gateway_mac,
		                     .src = conn->peer,
		                     .sport = conn->peer_port,
		                     .dst = conn->guest,
		                     .dport = conn->guest_port };
}

/* The window as it is now; the sandbox knows of it from here on. */
static uint16_t window(struct tcp_conn *conn)
{
	size_t room = TCP_WINDOW - conn->to_host.used;

	if (room >> conn->rcv_scale > UINT16_MAX)
		room = (size_t)UINT16_MAX << conn->rcv_scale;
	conn->rcv_edge = conn->rcv_nxt + (uint32_t)room;
	return (uint16_t)(room >> conn->rcv_scale);
}

/* Sends a segment; its data are in to_guest, from an offset on. */
static void emit(struct tcp_conn *conn, struct tcp_seg *seg, size_t from)
{
	struct packet_path path = conn_path(conn);
	uint8_t head[TCP_HEAD_MAX];
	struct iovec iov[3];
	int count = ring_bytes(&conn->to_guest, from, seg->len, iov + 1);

	if (seg->flags & TCP_ACK) {
		seg->ack = conn->rcv_nxt;
		forget_ack(conn);
	}
	if (seg->flags & TCP_SYN) {
		seg->mss = (uint16_t)(conn->tcp->engine->link.mtu -
		                      (net_addr_is4(&conn->guest) ? IP4_LEN : IP6_LEN) - TCP_LEN);
		seg->scaled = conn->rcv_scale != 0;
		seg->scale = conn->rcv_scale;
		seg->window = UINT16_MAX; /* not scaled yet, RFC 7323, 2.2 */
		conn->rcv_edge = conn->rcv_nxt + UINT16_MAX;
	} else {
		seg->window = window(conn);
	}
	iov[0] = (struct iovec){ head, tcp_write(head, &path, seg, conn->mss) };
	/* a frame that finds no room is lost, as on any wire */
	(void)!writev(conn->tcp->engine->tap, iov, count + 1);
}

void tcp_send_control(struct tcp_conn *conn, uint8_t flags, uint32_t seq)
{
	struct tcp_seg seg = { .seq = seq, .flags = flags };

	emit(conn, &seg, 0);
}

void tcp_send_data(struct tcp_conn *conn, uint8_t flags, size_t from, size_t len)
{
	struct tcp_seg seg = { .seq = conn->snd_una + (uint32_t)from, .flags = flags, .len = len };

	emit(conn, &seg, from);
}

/* For a segment that belongs to no connection: RFC 9293, 3.10.7.1. */
static void answer_stray(struct tcp *tcp, const struct frame *frame, const struct tcp_seg *seg)
{
	bool acks = seg->flags & TCP_ACK;
	struct packet_path path = { .dst_mac = tcp->engine->guest_mac,
		                    .src_mac = tcp->engine->gateway_mac,
		                    .src = frame->dst,
		                    .sport = frame->dport,
		                    .dst = frame->src,
		                    .dport = frame->sport };
	struct tcp_seg reset = { .flags = acks ? TCP_RST : TCP_RST | TCP_ACK,
		                 .seq = acks ? seg->ack : 0,
		                 .ack = acks ? 0 : seg->seq + tcp_seg_span(seg) };
	uint8_t head[TCP_HEAD_MAX];

	if (!(seg->flags & TCP_RST))
		(void)!write(tcp->engine->tap, head, tcp_write(head, &path, &reset, UINT16_MAX));
}

void tcp_input(struct tcp *tcp, const struct frame *frame)
{
	struct tcp_conn *conn = tcp_find(tcp, frame);
	struct tcp_seg seg;

	tcp_read(frame->payload, frame->payload_len, &seg);
	if (conn && conn->stage == TCP_OPEN)
		tcp_flow_input(conn, &seg);
	else if (conn)
		tcp_open_input(conn, frame, &seg);
	else if ((seg.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN)
		tcp_open(tcp, frame, &seg);
	else
		answer_stray(tcp, frame, &seg);
}

void tcp_flush(struct tcp *tcp)
{
	struct tcp_conn *conn;

	while ((conn = TAILQ_FIRST(&tcp->due)))
		tcp_send_control(conn, TCP_ACK, conn->snd_max);
}

void tcp_prepare(struct tcp *tcp, int *timeout, int64_t now)
{
	int64_t left = tcp->tick - now;

	if ((tcp->paused || !TAILQ_EMPTY(&tcp->timed)) && (*timeout < 0 || *timeout > left))
		*timeout = left < 0 ? 0 : (int)left;
}

void tcp_tick(struct tcp *tcp, int64_t now)
{
	struct tcp_conn *conn;
	struct tcp_conn *next;

	if (now < tcp->tick)
		return;
	tcp->tick = now + TICK_MS;
	tcp_publishers_tick(tcp);
	for (conn = TAILQ_FIRST(&tcp->timed); conn; conn = next) {
		next = TAILQ_NEXT(conn, timed);
		if (conn->deadline > now)
			continue;
		if (conn->stage == TCP_OPEN)
			tcp_flow_again(conn);
		else
			tcp_open_again(conn);
	}
}
