/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of a connection. The host's socket tells once that it can be read or written again, so
 * that is kept, and whatever makes progress possible (an event, a segment, the clock) tries
 * everything: out of the host's socket, towards the sandbox, into the host's socket.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tcp-private.h"

enum {
	TRIES = 12, /* to send the same again: as long as a Linux would go on, two minutes */
	MSS_LEAST = 536,
	DUPS = 3,      /* RFC 5681, 3.2 */
	READ = 65536,  /* room to read into, at least, where there may be so much */
	GONE = -EPIPE, /* the connection was ended and freed */
};

static uint32_t in_flight(const struct tcp_conn *conn)
{
	return conn->snd_max - conn->snd_una;
}

/* How much of the data from an offset on fits into the sandbox's window and into one frame. */
static size_t next_len(const struct tcp_conn *conn, size_t from)
{
	size_t left = conn->to_guest.used - from;
	size_t room = conn->snd_wnd > from ? conn->snd_wnd - from : 0;
	size_t len = left < room ? left : room;
	/* one segment that fills the window would wait for an acknowledgement that is delayed until
	 * there are two */
	size_t half = conn->snd_top / 2 > MSS_LEAST ? conn->snd_top / 2 : MSS_LEAST;

	/* the silly window: RFC 9293, 3.8.6.2.1 */
	if (len < left && len < conn->mss && len < half && from)
		return 0;
	len = len < half ? len : half;
	return len < TCP_DATA_MAX ? len : TCP_DATA_MAX;
}

/* Sends what is next, no more than `most` segments. */
static void send_some(struct tcp_conn *conn, unsigned int most)
{
	for (; most; most--) {
		size_t from = conn->snd_nxt - conn->snd_una;
		uint8_t flags = TCP_ACK;
		size_t len;

		if (from > conn->to_guest.used || conn->fin_acked)
			return; /* the FIN is under way, or there */
		len = next_len(conn, from);
		if (from + len == conn->to_guest.used) {
			flags |= conn->host_eof ? TCP_PSH | TCP_FIN : TCP_PSH;
			if (len == 0 && !conn->host_eof)
				return;
		} else if (len == 0) {
			return;
		}
		tcp_send_data(conn, flags, from, len);
		conn->snd_nxt += (uint32_t)len + !!(flags & TCP_FIN);
		if (tcp_seq_diff(conn->snd_nxt, conn->snd_max) > 0)
			conn->snd_max = conn->snd_nxt;
	}
}

/* Sends the first segment again, and what follows as acknowledgements come. */
static void repeat(struct tcp_conn *conn)
{
	conn->recover = conn->snd_max;
	conn->snd_nxt = conn->snd_una;
	send_some(conn, 1);
}

/* The clock runs while something is to be acknowledged, or waits for a window. */
static void arm(struct tcp_conn *conn)
{
	bool waits = in_flight(conn) || conn->to_guest.used;

	if (!waits)
		tcp_conn_arm(conn, 0);
	else if (!conn->deadline)
		tcp_conn_arm(conn, tcp_pause(conn));
}

static void ack_progress(struct tcp_conn *conn, uint32_t ack)
{
	uint32_t acked = ack - conn->snd_una;
	size_t data = acked < conn->to_guest.used ? acked : conn->to_guest.used;

	ring_drop(&conn->to_guest, data);
	conn->fin_acked |= acked > data;
	conn->snd_una = ack;
	if (tcp_seq_diff(conn->snd_nxt, ack) < 0)
		conn->snd_nxt = ack;
	conn->dups = 0;
	conn->tries = 0;
	tcp_conn_arm(conn, 0);
}

static void take_ack(struct tcp_conn *conn, const struct tcp_seg *seg)
{
	int32_t ahead = tcp_seq_diff(seg->ack, conn->snd_una);
	uint32_t window = (uint32_t)seg->window << conn->snd_scale;

	if (ahead < 0)
		return;
	if (ahead > 0) {
		ack_progress(conn, seg->ack);
	} else if (tcp_seg_span(seg) == 0 && window == conn->snd_wnd && in_flight(conn)) {
		if (++conn->dups == DUPS && tcp_seq_diff(conn->snd_una, conn->recover) >= 0)
			repeat(conn);
	}
	if (conn->snd_wnd == 0 && window) {
		conn->tries = 0;
		tcp_conn_arm(conn, 0);
	}
	conn->snd_wnd = window;
	if (window > conn->snd_top)
		conn->snd_top = window;
}

/* Gives the host's socket what it takes: how much, or GONE. */
static ssize_t push(struct tcp_conn *conn, const struct iovec *iov, int count)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov,
		              .msg_iovlen = (size_t)count };
	ssize_t n;

	if (!conn->writable)
		return 0;
	n = sendmsg(conn->source.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		tcp_conn_abort(conn);
		return GONE;
	}
	conn->writable = n >= 0 || errno == EINTR;
	return n < 0 ? 0 : n;
}

/* Takes as much of data as there is room for: how much, or GONE. */
static ssize_t accept_data(struct tcp_conn *conn, const uint8_t *data, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };
	bool wait = conn->to_host.used || conn->early_count || len == 0;
	ssize_t n = wait ? 0 : push(conn, &iov, 1);
	size_t rest;

	if (n < 0 || (size_t)n == len)
		return n;
	rest = tcp_early_room(conn, len - (size_t)n);
	rest = rest < len - (size_t)n ? rest : len - (size_t)n;
	ring_add(&conn->to_host, data + n, rest);
	return n + (ssize_t)rest;
}

/* The data and the FIN of a segment, as far as they are next: 0 or GONE. */
static int take_data(struct tcp_conn *conn, const struct tcp_seg *seg)
{
	int32_t skip = tcp_seq_diff(conn->rcv_nxt, seg->seq);
	size_t room = conn->rcv_edge - conn->rcv_nxt;
	size_t len;
	ssize_t n;

	if (tcp_seg_span(seg) == 0 && skip == 0)
		return 0;
	tcp_ack_later(conn);
	if (skip < 0 || (size_t)skip > seg->len || conn->guest_fin) {
		if (skip < 0 && !conn->guest_fin)
			tcp_early_add(conn, seg);
		/* something is missing, or it has all been here: an answer at once says so */
		tcp_send_control(conn, TCP_ACK, conn->snd_max);
		return 0;
	}
	len = seg->len - (size_t)skip;
	n = accept_data(conn, seg->data + skip, len < room ? len : room);
	if (n < 0)
		return GONE;
	conn->rcv_nxt += (uint32_t)n;
	if (seg->flags & TCP_FIN && (size_t)n == len) {
		conn->guest_fin = true;
		conn->rcv_nxt++;
		conn->early_count = 0; /* nothing comes after the end */
	}
	tcp_early_take(conn);
	return 0;
}

/* From the buffer into the host's socket: 0 or GONE. */
static int drain(struct tcp_conn *conn)
{
	struct iovec iov[2];
	bool waited = conn->to_host.used;
	uint32_t opened;

	while (conn->to_host.used && conn->writable) {
		int count = ring_bytes(&conn->to_host, 0, conn->to_host.used, iov);
		ssize_t n = push(conn, iov, count);

		if (n < 0)
			return GONE;
		ring_drop(&conn->to_host, (size_t)n);
	}
	if (conn->guest_fin && conn->to_host.used == 0 && !conn->host_told) {
		conn->host_told = true;
		shutdown(conn->source.fd, SHUT_WR);
	}
	/* a window that has opened by half is worth a word: one below a segment is no use to it */
	opened = conn->rcv_nxt + (TCP_WINDOW - (uint32_t)conn->to_host.used) - conn->rcv_edge;
	if (waited && !conn->guest_fin &&
	    (opened >= TCP_WINDOW / 2 || (opened && conn->to_host.used == 0)))
		tcp_ack_later(conn);
	return 0;
}

/* From the host's socket into the buffer: 0 or GONE. */
static int fill(struct tcp_conn *conn)
{
	struct ring *ring = &conn->to_guest;
	struct iovec iov[2];
	size_t want = ring->size ? READ : 1;

	ring_rewind(ring);
	while (conn->readable && !conn->host_eof) {
		size_t room = tcp_reserve(conn->tcp, ring, want);
		ssize_t n;

		if (room == 0 && ring->used)
			return 0;
		n = room ? readv(conn->source.fd, iov, ring_room(ring, iov)) : -1;
		if (n < 0 && (room == 0 || (errno != EAGAIN && errno != EINTR))) {
			tcp_conn_abort(conn); /* without memory nothing would wake it again */
			return GONE;
		}
		conn->host_eof = n == 0;
		/* less than there was room for was all of it, with two exceptions */
		conn->readable = n < 0 ? errno == EINTR : (size_t)n == room || conn->more;
		if (n > 0) {
			ring_added(ring, (size_t)n);
			want = READ;
			send_some(conn, UINT32_MAX);
		}
	}
	return 0;
}

/* All that can be done. May end the connection. */
static void pump(struct tcp_conn *conn)
{
	if (fill(conn) < 0 || drain(conn) < 0)
		return;
	send_some(conn, UINT32_MAX);
	arm(conn);
	if (conn->fin_acked && conn->host_told) {
		if (conn->ack_due)
			tcp_send_control(conn, TCP_ACK, conn->snd_max);
		tcp_conn_end(conn, false);
	}
}

void tcp_flow_ready(struct tcp_conn *conn, uint32_t events)
{
	conn->more |= !!(events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR));
	conn->readable |= conn->more || events & EPOLLIN;
	conn->writable |= !!(events & (EPOLLOUT | EPOLLHUP | EPOLLERR));
	if (conn->stage == TCP_OPEN)
		pump(conn);
}

void tcp_flow_input(struct tcp_conn *conn, const struct tcp_seg *seg)
{
	if (seg->flags & TCP_RST) {
		/* any other place would be a guess: RFC 5961, 3.2 */
		if (seg->seq == conn->rcv_nxt)
			tcp_conn_end(conn, true);
		else
			tcp_send_control(conn, TCP_ACK, conn->snd_max);
		return;
	}
	if (seg->flags & TCP_SYN || !(seg->flags & TCP_ACK) ||
	    tcp_seq_diff(seg->ack, conn->snd_max) > 0) {
		tcp_send_control(conn, TCP_ACK, conn->snd_max);
		return;
	}
	take_ack(conn, seg);
	if (take_data(conn, seg) == 0)
		pump(conn);
}

void tcp_flow_again(struct tcp_conn *conn)
{
	bool probe = conn->snd_wnd == 0 || !in_flight(conn);

	conn->tries++;
	if (!probe && conn->tries > TRIES) {
		tcp_conn_abort(conn);
		return;
	}
	tcp_conn_arm(conn, tcp_pause(conn));
	if (probe)
		/* an old byte makes it say where it is: RFC 9293, 3.8.6.1 */
		tcp_send_control(conn, TCP_ACK, conn->snd_una - 1);
	else
		repeat(conn);
}
