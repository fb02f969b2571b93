/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tcp-lab.h"

#include "core/cleanup.h"
#include "net/config.h"
#include "net/dns.h"
#include "net/log.h"
#include "net/policy.h"
#include "net/sys.h"

#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>

enum { FAR = 3600 * 1000 }; /* ms: whatever has a deadline is due then */

/* what the relay is not built with here */
int dns_take_stream(struct dns *dns)
{
	(void)dns;
	return -ECONNREFUSED;
}

void netlog_denied(struct netlog *log, enum net_proto proto, const struct net_addr *addr,
                   uint16_t port, const char *why)
{
	(void)log, (void)proto, (void)addr, (void)port, (void)why;
}

static int listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(bind(fd, (void *)&sa, len), ==, 0);
	g_assert_cmpint(listen(fd, 8), ==, 0);
	g_assert_cmpint(getsockname(fd, (void *)&sa, &len), ==, 0);
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

struct lab *lab_new(void)
{
	struct lab *lab = g_new0(struct lab, 1);
	struct net_link *link = &lab->engine.link;
	int size = 4 << 20;
	int pair[2];

	net_config_init(&lab->config);
	link->net4 = lab->config.net4;
	link->mtu = 65520;
	link->host4 = net_cidr_host(&link->net4, 2);
	link->dns4 = net_cidr_host(&link->net4, 3);
	link->guest4 = net_cidr_host(&link->net4, 100);
	lab->engine.loopback = true;
	lab->engine.policy = policy_new(true);
	lab->engine.epoll = epoll_create1(EPOLL_CLOEXEC);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), ==, 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	lab->engine.tap = pair[0];
	lab->wire = pair[1];
	lab->engine.tcp = tcp_new(&lab->engine, &lab->config);
	lab->listener = listen_on_loopback(&lab->port);
	lab->host = -1;
	lab->seq = 0xfffffff0; /* so that it wraps around soon */
	return lab;
}

void lab_free(struct lab *lab)
{
	tcp_free(lab->engine.tcp);
	policy_free(lab->engine.policy);
	close(lab->engine.epoll);
	close(lab->engine.tap);
	close(lab->wire);
	close(lab->listener);
	if (lab->host >= 0)
		close(lab->host);
	g_free(lab);
}

/* One round of the helper's loop, without the device. */
void lab_turn(struct lab *lab, int wait_ms)
{
	struct epoll_event events[8];
	int n = epoll_wait(lab->engine.epoll, events, 8, wait_ms);

	for (int i = 0; i < n; i++) {
		struct source *source = events[i].data.ptr;

		source->ready(&lab->engine, source, events[i].events);
	}
	tcp_flush(lab->engine.tcp);
}

void lab_say_raw(struct lab *lab, const uint8_t *tcp, size_t len)
{
	struct frame frame = { .kind = FRAME_TCP,
		               .src = lab->engine.link.guest4,
		               .dst = lab->engine.link.host4,
		               .sport = GUEST_PORT,
		               .dport = lab->port,
		               .payload = (uint8_t *)(uintptr_t)tcp,
		               .payload_len = len };

	tcp_input(lab->engine.tcp, &frame);
	tcp_flush(lab->engine.tcp);
}

void lab_say(struct lab *lab, struct tcp_seg seg)
{
	struct packet_path path = { .dst_mac = lab->engine.gateway_mac,
		                    .src_mac = lab->engine.guest_mac,
		                    .src = lab->engine.link.guest4,
		                    .sport = GUEST_PORT,
		                    .dst = lab->engine.link.host4,
		                    .dport = lab->port };
	uint8_t buf[TCP_HEAD_MAX + 4096];
	size_t skip = VNET_LEN + ETH_LEN + IP4_LEN;
	size_t head = tcp_write(buf, &path, &seg, UINT16_MAX);

	g_assert_cmpint(seg.len, <=, 4096);
	if (seg.len)
		memcpy(buf + head, seg.data, seg.len);
	lab_say_raw(lab, buf + skip, head + seg.len - skip);
}

/* Data, or nothing but an acknowledgement, at an offset from where the sandbox is. */
void lab_say_at(struct lab *lab, int offset, const char *data, uint8_t flags)
{
	lab_say(lab, (struct tcp_seg){ .seq = lab->seq + (uint32_t)offset,
	                               .ack = lab->ack,
	                               .flags = (uint8_t)(TCP_ACK | flags),
	                               .window = 1000,
	                               .data = (const uint8_t *)data,
	                               .len = data ? strlen(data) : 0 });
}

/* The next frame for the sandbox, waited for; it may be an ICMP message. */
size_t lab_next_frame(struct lab *lab)
{
	for (int i = 0; i < 1000; i++) {
		ssize_t n = recv(lab->wire, lab->frame, sizeof(lab->frame), MSG_DONTWAIT);

		if (n > 0)
			return (size_t)n;
		lab_turn(lab, 10);
	}
	g_error("nothing came");
}

struct tcp_seg lab_hear(struct lab *lab)
{
	size_t skip = VNET_LEN + ETH_LEN + IP4_LEN;
	size_t len = lab_next_frame(lab);
	struct tcp_seg seg;

	g_assert_cmpint(lab->frame[VNET_LEN + ETH_LEN + 9], ==, PROTO_TCP);
	tcp_read(lab->frame + skip, len - skip, &seg);
	return seg;
}

void lab_hear_nothing(struct lab *lab)
{
	lab_turn(lab, 0);
	g_assert_cmpint(recv(lab->wire, lab->frame, sizeof(lab->frame), MSG_DONTWAIT), ==, -1);
}

void lab_hear_ack(struct lab *lab)
{
	struct tcp_seg seg = lab_hear(lab);

	g_assert_cmphex(seg.flags, ==, TCP_ACK);
	g_assert_cmphex(seg.ack, ==, lab->seq);
	g_assert_cmpint(seg.len, ==, 0);
}

void lab_later(struct lab *lab)
{
	lab->late += FAR;
	tcp_tick(lab->engine.tcp, clock_ms() + lab->late);
	tcp_flush(lab->engine.tcp);
}

void lab_say_syn(struct lab *lab)
{
	lab_say(lab, (struct tcp_seg){ .seq = lab->seq,
	                               .flags = TCP_SYN,
	                               .window = 65535,
	                               .mss = 65480,
	                               .scaled = true,
	                               .scale = SCALE });
}

/* A connection to the listener that is open on both sides. */
struct lab *lab_connected(void)
{
	struct lab *lab = lab_new();
	struct tcp_seg seg;

	lab_say_syn(lab);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_SYN | TCP_ACK);
	g_assert_cmphex(seg.ack, ==, lab->seq + 1);
	g_assert_true(seg.scaled);
	lab->seq++;
	lab->ack = seg.seq + 1;
	lab_say_at(lab, 0, NULL, 0);
	lab->host = accept(lab->listener, NULL, NULL);
	g_assert_cmpint(lab->host, >=, 0);
	return lab;
}

void lab_expect_host(struct lab *lab, const char *text)
{
	char buf[64] = { 0 };
	size_t want = strlen(text);

	for (size_t at = 0; at < want;) {
		ssize_t n = recv(lab->host, buf + at, want - at, 0);

		g_assert_cmpint(n, >, 0);
		at += (size_t)n;
	}
	g_assert_cmpstr(buf, ==, text);
}

void lab_expect_host_end(struct lab *lab, int error)
{
	char byte;
	ssize_t n = recv(lab->host, &byte, 1, 0);

	g_assert_cmpint(n, ==, error ? -1 : 0);
	if (error)
		g_assert_cmpint(errno, ==, error);
}
