/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include "net/dns.h"
#include "net/log.h"
#include "net/policy.h"
#include "net/sockaddr.h"
#include "net/sys.h"
#include "net/tcp-private.h"

enum {
	TRIES = 6,
	MSS_MIN = 64,      /* less is only asked for to be a nuisance */
	MSS_DEFAULT = 536, /* RFC 9293, 3.7.1 */
};

static struct packet_path frame_path(const struct tcp *tcp, const struct frame *frame)
{
	return (struct packet_path){ .dst_mac = tcp->engine->gateway_mac,
		                     .src_mac = tcp->engine->guest_mac,
		                     .src = frame->src,
		                     .sport = frame->sport,
		                     .dst = frame->dst,
		                     .dport = frame->dport };
}

/* Errors that a busy host would reset a connection for: what is lacking is ours. */
static bool is_lack(int num)
{
	return num == EMFILE || num == ENFILE || num == ENOBUFS || num == ENOMEM;
}

/* Tells the sandbox why its SYN leads nowhere, so that its connect() fails with num, or as refused
 * where it is ours to blame. */
static void refuse(struct tcp *tcp, const struct packet_path *sent, uint32_t seq, int num)
{
	struct packet_lost lost = { .proto = PROTO_TCP,
		                    .seq = seq,
		                    .why = num == EHOSTUNREACH ? PACKET_NO_HOST : PACKET_NO_NET };
	struct packet_path back = { .dst_mac = sent->src_mac,
		                    .src_mac = sent->dst_mac,
		                    .src = sent->dst,
		                    .sport = sent->dport,
		                    .dst = sent->src,
		                    .dport = sent->sport };
	struct tcp_seg reset = { .flags = TCP_RST | TCP_ACK, .ack = seq + 1 };
	uint8_t buf[PACKET_LOST_MAX];

	_Static_assert((int)PACKET_LOST_MAX >= (int)TCP_HEAD_MAX, "one buffer for either");
	if (num == ECONNREFUSED || is_lack(num))
		(void)!write(tcp->engine->tap, buf, tcp_write(buf, &back, &reset, UINT16_MAX));
	else
		engine_send(tcp->engine, buf, packet_unreachable(buf, sent, &lost));
}

static int dial_host(struct tcp *tcp, const struct net_addr *addr, uint16_t port)
{
	const struct net_addr *from = &tcp->outbound[!net_addr_is4(addr)];
	static const struct net_addr none;
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_to(from, 0, &sa);
	int family = net_addr_is4(addr) ? AF_INET : AF_INET6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = net_addr_equal(from, &none) ? 0 : bind(fd, (void *)&sa, len);
	if (r == 0) {
		len = sockaddr_to(addr, port, &sa);
		r = connect(fd, (void *)&sa, len);
	}
	if (r < 0 && errno != EINPROGRESS) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* Starts the host's side of a connection: a socket or -errno. */
static int dial(struct tcp *tcp, const struct frame *frame)
{
	struct engine *engine = tcp->engine;
	enum policy_verdict verdict;
	struct net_addr addr;

	if (engine_is_resolver(engine, &frame->dst))
		return frame->dport == 53 ? dns_take_stream(engine->dns) : -ECONNREFUSED;
	if (!engine_to_host(engine, &frame->dst, &addr))
		return -ENETUNREACH;
	verdict = policy_check(engine->policy, NET_TCP, &addr, frame->dport, clock_ms() / 1000);
	if (verdict != POLICY_ALLOW) {
		netlog_denied(engine->log, NET_TCP, &addr, frame->dport,
		              policy_verdict_word(verdict));
		return -EHOSTUNREACH;
	}
	return dial_host(tcp, &addr, frame->dport);
}

/* What both sides will keep to, from the sandbox's SYN. */
static void agree(struct tcp_conn *conn, const struct tcp_seg *syn)
{
	unsigned int most = conn->tcp->engine->link.mtu -
	                    (net_addr_is4(&conn->guest) ? IP4_LEN : IP6_LEN) - TCP_LEN;
	unsigned int mss = syn->mss ? syn->mss : MSS_DEFAULT;

	mss = mss < MSS_MIN ? MSS_MIN : mss;
	conn->mss = (uint16_t)(mss < most ? mss : most);
	conn->snd_wnd = conn->snd_top = syn->window; /* not scaled yet */
	conn->snd_scale = syn->scaled ? syn->scale : 0;
	conn->rcv_scale = syn->scaled ? TCP_SCALE : 0;
	conn->rcv_nxt = conn->rcv_edge = syn->seq + 1;
}

void tcp_open(struct tcp *tcp, const struct frame *frame, const struct tcp_seg *syn)
{
	struct packet_path path = frame_path(tcp, frame);
	int fd = tcp->count < TCP_CONNS_MAX ? dial(tcp, frame) : -EMFILE;
	struct tcp_conn *conn;

	if (fd < 0) {
		refuse(tcp, &path, syn->seq, -fd);
		return;
	}
	conn = tcp_conn_new(tcp, frame, fd);
	if (!conn) {
		close(fd);
		refuse(tcp, &path, syn->seq, ENOMEM);
		return;
	}
	conn->stage = TCP_DIALING;
	agree(conn, syn);
}

/* Sends the SYN of ours, for the first time or again. */
static void say_syn(struct tcp_conn *conn)
{
	conn->snd_nxt = conn->snd_max = conn->recover = conn->snd_una + 1;
	tcp_send_control(conn, conn->stage == TCP_CALLING ? TCP_SYN : TCP_SYN | TCP_ACK,
	                 conn->snd_una);
	tcp_conn_arm(conn, tcp_pause(conn));
}

void tcp_open_call(struct tcp_conn *conn)
{
	conn->stage = TCP_CALLING;
	conn->rcv_scale = TCP_SCALE; /* offered */
	conn->mss = UINT16_MAX;
	say_syn(conn);
}

void tcp_dialed(struct tcp_conn *conn, uint32_t events)
{
	struct frame frame = { .src = conn->guest,
		               .sport = conn->guest_port,
		               .dst = conn->peer,
		               .dport = conn->peer_port };
	struct packet_path path = frame_path(conn->tcp, &frame);
	int num = 0;
	socklen_t len = sizeof(num);

	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	if (getsockopt(conn->source.fd, SOL_SOCKET, SO_ERROR, &num, &len) < 0)
		num = errno;
	if (num) {
		refuse(conn->tcp, &path, conn->rcv_nxt - 1, num);
		tcp_conn_end(conn, false);
		return;
	}
	conn->stage = TCP_ANSWERED;
	say_syn(conn);
	tcp_flow_ready(conn, events);
}

static void opened(struct tcp_conn *conn)
{
	conn->stage = TCP_OPEN;
	conn->snd_una = conn->snd_nxt;
	conn->tries = 0;
	tcp_conn_arm(conn, 0);
}

/* What the sandbox answers to a connection that comes in. */
static void calling_input(struct tcp_conn *conn, const struct tcp_seg *seg)
{
	bool acks = seg->flags & TCP_ACK;

	if (acks && seg->ack != conn->snd_nxt) {
		if (!(seg->flags & TCP_RST))
			tcp_send_control(conn, TCP_RST, seg->ack);
		return;
	}
	if (acks && seg->flags & TCP_RST) {
		tcp_conn_end(conn, true);
		return;
	}
	if (!acks || !(seg->flags & TCP_SYN))
		return;
	agree(conn, seg);
	opened(conn);
	tcp_ack_later(conn);
	tcp_flow_ready(conn, 0);
}

void tcp_open_input(struct tcp_conn *conn, const struct frame *frame, const struct tcp_seg *seg)
{
	struct tcp *tcp = conn->tcp;
	bool syn = (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;

	if (conn->stage == TCP_CALLING) {
		calling_input(conn, seg);
	} else if (syn && seg->seq + 1 != conn->rcv_nxt) {
		/* it has forgotten the other one */
		tcp_conn_end(conn, true);
		tcp_open(tcp, frame, seg);
	} else if (seg->flags & TCP_RST) {
		if (seg->seq == conn->rcv_nxt)
			tcp_conn_end(conn, true);
	} else if (conn->stage == TCP_DIALING) {
		return;
	} else if (syn) {
		say_syn(conn);
	} else if ((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_ACK) {
		if (seg->ack == conn->snd_nxt) {
			opened(conn);
			tcp_flow_input(conn, seg);
		} else {
			tcp_send_control(conn, TCP_RST, seg->ack);
		}
	}
}

void tcp_open_again(struct tcp_conn *conn)
{
	if (++conn->tries <= TRIES)
		say_syn(conn);
	else if (conn->stage == TCP_CALLING)
		tcp_conn_end(conn, true);
	else
		tcp_conn_abort(conn);
}
