/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes from the sandbox before its turn, because something was lost on the way. It is put
 * where it will be in the buffer for the host, and taken into account when the gap is filled.
 */
#include <string.h>

#include "net/tcp-private.h"

/* Takes [from, to) into the ranges, which stay sorted and apart: false when there are too many. */
static bool note(struct tcp_conn *conn, uint32_t from, uint32_t to)
{
	struct tcp_range *range = conn->early;
	unsigned int at = 0;
	unsigned int end;

	while (at < conn->early_count && tcp_seq_diff(range[at].to, from) < 0)
		at++;
	/* those from at to end touch it, and become one with it */
	for (end = at; end < conn->early_count && tcp_seq_diff(range[end].from, to) <= 0; end++) {
		if (tcp_seq_diff(range[end].from, from) < 0)
			from = range[end].from;
		if (tcp_seq_diff(range[end].to, to) > 0)
			to = range[end].to;
	}
	if (end == at && conn->early_count == TCP_RANGES)
		return false;
	memmove(range + at + 1, range + end, (conn->early_count - end) * sizeof(*range));
	range[at] = (struct tcp_range){ from, to };
	conn->early_count += 1 - (end - at);
	return true;
}

size_t tcp_early_room(struct tcp_conn *conn, size_t want)
{
	/* memory that grew would not take along what lies beyond the end */
	if (conn->early_count)
		return conn->to_host.size - conn->to_host.used;
	return tcp_reserve(conn->tcp, &conn->to_host, want);
}

void tcp_early_add(struct tcp_conn *conn, const struct tcp_seg *seg)
{
	size_t ahead = seg->seq - conn->rcv_nxt;
	size_t window = conn->rcv_edge - conn->rcv_nxt;
	size_t room = tcp_early_room(conn, TCP_WINDOW - conn->to_host.used);
	size_t len = seg->len;

	room = room < window ? room : window;
	if (len == 0 || ahead >= room)
		return;
	len = len < room - ahead ? len : room - ahead;
	if (note(conn, seg->seq, seg->seq + (uint32_t)len))
		ring_put(&conn->to_host, ahead, seg->data, len);
}

void tcp_early_take(struct tcp_conn *conn)
{
	while (conn->early_count && tcp_seq_diff(conn->early[0].from, conn->rcv_nxt) <= 0) {
		int32_t more = tcp_seq_diff(conn->early[0].to, conn->rcv_nxt);

		if (more > 0) {
			ring_added(&conn->to_host, (size_t)more);
			conn->rcv_nxt += (uint32_t)more;
		}
		conn->early_count--;
		memmove(conn->early, conn->early + 1, conn->early_count * sizeof(conn->early[0]));
	}
}
