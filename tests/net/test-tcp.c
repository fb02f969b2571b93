/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The relay of TCP: what is lost, comes twice, out of order or is a lie. */
#include "tcp-lab.h"

#include "core/err.h"
#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

static void test_wire(void)
{
	static const uint8_t tail[][12] = {
		{ 2, 4, 5, 180, 1, 3, 3, 9 }, /* as it should be */
		{ 3, 3, 200 },                /* scaled too far */
		{ 2, 4 },                     /* cut short by the end of options */
		{ 2, 0, 2, 0 },               /* no length */
		{ 2, 1, 2, 1 },
		{ 253, 255, 0, 0 }, /* longer than the header */
		{ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3 },
		{ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4 },
	};
	uint8_t tcp[32] = { [12] = 0x80, [13] = TCP_SYN };
	struct tcp_seg seg;

	for (size_t i = 0; i < G_N_ELEMENTS(tail); i++) {
		memcpy(tcp + 20, tail[i], 12);
		tcp_read(tcp, sizeof(tcp), &seg);
		g_assert_cmpint(seg.mss, ==, i == 0 ? 5 * 256 + 180 : 0);
		g_assert_cmpint(seg.scaled, ==, i < 2);
		g_assert_cmpint(seg.scale, ==, i == 0 ? 9 : i == 1 ? TCP_SCALE_MAX : 0);
		g_assert_cmpint(seg.len, ==, 0);
	}
}

static void test_order(void)
{
	struct lab *lab = lab_connected();

	lab_say_at(lab, 0, "one", 0);
	lab->seq += 3;
	lab_hear_ack(lab);
	lab_say_at(lab, 3, "three", 0); /* too early: the answer says what is missing */
	lab_hear_ack(lab);
	lab_say_at(lab, -3, "one", 0); /* again */
	lab_hear_ack(lab);
	lab_say_at(lab, -3, "oneTWO",
	           0); /* half of it again, and the other half is what was missing */
	lab->seq += 8;
	lab_hear_ack(lab);
	lab_say_at(lab, -6, "XXXYYY", 0); /* what has come stays as it was */
	lab_hear_ack(lab);
	lab_say_at(lab, 1, NULL, TCP_FIN); /* the end cannot come too early */
	lab_hear_ack(lab);
	lab_say_at(lab, 0, "!", TCP_FIN);
	lab->seq += 2;
	lab_hear_ack(lab);
	lab_expect_host(lab, "oneTWOthree!");
	lab_expect_host_end(lab, 0);
	lab_say_at(lab, 0, "after the end", 0);
	lab_hear_ack(lab);
	lab_free(lab);
}

/* Every second piece comes first, in both directions, and more of them than are remembered. */
static void test_early(void)
{
	enum { PIECES = 60, LEN = 5 };
	struct lab *lab = lab_connected();
	uint32_t start = lab->seq;
	struct tcp_seg seg;
	char text[LEN + 1];

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < PIECES; i++) {
			int piece = round == 1 ? PIECES - 1 - i : i;

			if (round < 2 && piece % 2 == 0)
				continue;
			snprintf(text, sizeof(text), "<%03d>", piece);
			lab_say(lab, (struct tcp_seg){ .seq = start + (uint32_t)piece * LEN,
			                               .ack = lab->ack,
			                               .flags = TCP_ACK,
			                               .window = 1000,
			                               .data = (const uint8_t *)text,
			                               .len = LEN });
			seg = lab_hear(lab);
			g_assert_cmphex(seg.flags, ==, TCP_ACK);
		}
	}
	lab->seq = start + PIECES * LEN;
	g_assert_cmphex(seg.ack, ==, lab->seq);
	for (int i = 0; i < PIECES; i++) {
		snprintf(text, sizeof(text), "<%03d>", i);
		lab_expect_host(lab, text);
	}
	lab_free(lab);
}

static void test_answers(void)
{
	struct lab *lab = lab_connected();
	struct tcp_seg seg;

	lab_say_at(lab, -1, NULL, 0); /* "are you there?" */
	lab_hear_ack(lab);
	lab_say_at(lab, 0, NULL, TCP_SYN);
	lab_hear_ack(lab);
	lab->ack += 1000; /* never sent */
	lab_say_at(lab, 0, "lie", 0);
	lab_hear_ack(lab);
	lab->ack -= 1000;
	lab_say(lab, (struct tcp_seg){ .seq = lab->seq, .data = (const uint8_t *)"x", .len = 1 });
	lab_hear_ack(lab);
	lab_say_at(lab, 1, NULL, TCP_RST); /* somewhere else */
	lab_hear_ack(lab);
	lab_say_at(lab, 100000000, "far away", 0);
	lab_hear_ack(lab);
	lab_say_at(lab, 0, "good", 0);
	lab->seq += 4;
	lab_hear_ack(lab);
	lab_expect_host(lab, "good");
	lab_say_at(lab, 0, NULL, TCP_RST);
	lab_hear_nothing(lab);
	lab_expect_host_end(lab, ECONNRESET);
	lab_say_at(lab, 0, "nobody", 0);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_RST);
	g_assert_cmphex(seg.seq, ==, lab->ack);
	lab_free(lab);
}

static void test_lost_syn(void)
{
	struct lab *lab = lab_new();
	struct tcp_seg first;
	struct tcp_seg seg;

	lab_say_syn(lab);
	first = lab_hear(lab);
	lab_say_syn(lab); /* it has not heard */
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_SYN | TCP_ACK);
	g_assert_cmphex(seg.seq, ==, first.seq);
	lab_later(lab);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_SYN | TCP_ACK);
	g_assert_cmphex(seg.seq, ==, first.seq);
	lab->ack = first.seq + 77; /* an answer to something else */
	lab->seq++;
	lab_say_at(lab, 0, NULL, 0);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_RST);
	g_assert_cmphex(seg.seq, ==, lab->ack);
	for (int i = 0; i < 8; i++)
		lab_later(lab);
	do
		seg = lab_hear(lab);
	while (seg.flags == (TCP_SYN | TCP_ACK));
	g_assert_cmphex(seg.flags, ==, TCP_RST | TCP_ACK);
	lab_hear_nothing(lab);
	lab_free(lab);
}

/* A SYN with another number means that the sandbox has begun anew. */
static void test_new_syn(void)
{
	struct lab *lab = lab_new();
	struct tcp_seg seg;

	lab_say_syn(lab);
	lab_hear(lab);
	lab->seq += 12345;
	lab_say_syn(lab);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_SYN | TCP_ACK);
	g_assert_cmphex(seg.ack, ==, lab->seq + 1);
	lab_free(lab);
}

static void test_refused(void)
{
	struct lab *lab = lab_new();
	struct tcp_seg seg;
	uint8_t *icmp = lab->frame + VNET_LEN + ETH_LEN + IP4_LEN;

	close(lab->listener);
	lab->listener = socket(AF_INET, SOCK_STREAM, 0);
	lab_say_syn(lab);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_RST | TCP_ACK);
	g_assert_cmphex(seg.ack, ==, lab->seq + 1);
	lab->engine.loopback = false;
	lab_say_syn(lab);
	lab_next_frame(lab);
	g_assert_cmpint(lab->frame[VNET_LEN + ETH_LEN + 9], ==, PROTO_ICMP);
	g_assert_cmpint(icmp[0], ==, 3);
	/* it names what it is about by the ports and the sequence number */
	g_assert_cmpint(icmp[8 + IP4_LEN] << 8 | icmp[9 + IP4_LEN], ==, GUEST_PORT);
	g_assert_cmpint(icmp[12 + IP4_LEN], ==, lab->seq >> 24);
	g_assert_cmpint(icmp[15 + IP4_LEN], ==, lab->seq & 0xff);
	lab_free(lab);
}

/* As many as there may be: one more is reset, as by a host that is busy. */
static void test_full(void)
{
	struct lab *lab = lab_new();
	struct rlimit before;
	struct rlimit none;
	struct tcp_seg seg;

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	lab_say_syn(lab);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_RST | TCP_ACK);
	g_assert_cmphex(seg.ack, ==, lab->seq + 1);
	lab_free(lab);
}

static void test_repeat(void)
{
	struct lab *lab = lab_connected();
	struct tcp_seg seg;

	g_assert_cmpint(send(lab->host, "abc", 3, 0), ==, 3);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.seq, ==, lab->ack);
	g_assert_cmpmem(seg.data, seg.len, "abc", 3);
	lab_hear_nothing(lab);
	lab_later(lab); /* it was lost */
	seg = lab_hear(lab);
	g_assert_cmphex(seg.seq, ==, lab->ack);
	g_assert_cmpmem(seg.data, seg.len, "abc", 3);
	lab->ack += 3;
	lab_say_at(lab, 0, NULL, 0);
	g_assert_cmpint(send(lab->host, "de", 2, 0), ==, 2);
	lab_hear(lab);
	g_assert_cmpint(send(lab->host, "fg", 2, 0), ==, 2);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.seq, ==, lab->ack + 2);
	for (int i = 0; i < 3; i++) /* the first of them is missing, said three times */
		lab_say_at(lab, 0, NULL, 0);
	lab_say_at(lab, 0, NULL, 0);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.seq, ==, lab->ack);
	g_assert_cmpmem(seg.data, seg.len, "defg", 4);
	lab_hear_nothing(lab);
	lab->ack += 1; /* a part of it is there */
	lab_say_at(lab, 0, NULL, 0);
	lab_later(lab);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.seq, ==, lab->ack);
	g_assert_cmpmem(seg.data, seg.len, "efg", 3);
	lab->ack += 3;
	lab_say_at(lab, 0, NULL, 0);
	lab_later(lab);
	lab_hear_nothing(lab);
	lab_free(lab);
}

/* What nobody ever acknowledges is given up, and both sides hear of it. */
static void test_silence(void)
{
	struct lab *lab = lab_connected();
	struct tcp_seg seg;

	g_assert_cmpint(send(lab->host, "abc", 3, 0), ==, 3);
	do {
		seg = lab_hear(lab);
		lab_later(lab);
	} while (!(seg.flags & TCP_RST));
	lab_expect_host_end(lab, ECONNRESET);
	lab_free(lab);
}

static void test_window(void)
{
	struct lab *lab = lab_connected();
	struct tcp_seg seg;

	/* 1000 << SCALE was the window: more than that is not sent, and it goes on when there is
	 * room */
	g_autofree uint8_t *bytes = g_malloc0(300000);
	size_t got = 0;

	fcntl(lab->host, F_SETFL, O_NONBLOCK);
	g_assert_cmpint(send(lab->host, bytes, 300000, 0), ==, 300000);
	while (got < 1000 << SCALE) {
		seg = lab_hear(lab);
		g_assert_cmphex(seg.seq, ==, lab->ack + got);
		got += seg.len;
	}
	g_assert_cmpint(got, ==, 1000 << SCALE);
	lab_hear_nothing(lab);
	lab->ack += (uint32_t)got;
	lab_say(lab, (struct tcp_seg){ .seq = lab->seq, .ack = lab->ack, .flags = TCP_ACK });
	lab_hear_nothing(lab); /* no room at all */
	lab_later(lab);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.seq, ==, lab->ack - 1); /* a byte it has, to make it speak */
	g_assert_cmpint(seg.len, ==, 0);
	for (int i = 0; i < 30; i++) { /* for as long as it takes */
		lab_later(lab);
		seg = lab_hear(lab);
		g_assert_cmphex(seg.flags, ==, TCP_ACK);
	}
	lab_say_at(lab, 0, NULL, 0);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.seq, ==, lab->ack);
	g_assert_cmpint(seg.len, >, 0);
	lab_free(lab);
}

/* A host that does not read: the window closes, nothing is lost, and it opens again. It is said,
 * too, when what was left of it is less than one of the sandbox's segments. */
static void slow_host(uint32_t enough)
{
	struct lab *lab = lab_connected();
	g_autofree char *text = g_strnfill(4000, 'x');
	uint32_t room = 65535;
	size_t sent = 0;
	size_t got = 0;
	struct tcp_seg seg;

	while (room >= enough) {
		lab_say_at(lab, 0, text, 0);
		lab->seq += 4000;
		sent += 4000;
		seg = lab_hear(lab);
		g_assert_cmphex(seg.ack, ==, lab->seq);
		room = (uint32_t)seg.window << 4;
	}
	if (room < 4000) { /* more than there is room for: some of it is taken */
		lab_say_at(lab, 0, text, TCP_FIN);
		seg = lab_hear(lab);
		g_assert_cmpint(seg.ack - lab->seq, <=, 4000);
		sent += seg.ack - lab->seq;
		lab->seq = seg.ack;
	}
	while (got < sent) {
		char buf[65536];
		ssize_t n = recv(lab->host, buf, sizeof(buf), MSG_DONTWAIT);

		got += n > 0 ? (size_t)n : 0;
		lab_turn(lab, 1);
	}
	g_assert_cmpint(got, ==, sent);
	do /* and it says so */
		seg = lab_hear(lab);
	while (seg.window << 4 < 128 * 1024);
	lab_say_at(lab, 0, "y", TCP_FIN);
	lab_expect_host(lab, "y");
	lab_expect_host_end(lab, 0);
	lab_free(lab);
}

static void test_slow_host(void)
{
	slow_host(4000);
	slow_host(60000);
}

static void test_half_close(void)
{
	struct lab *lab = lab_connected();
	struct tcp_seg seg;

	shutdown(lab->host, SHUT_WR);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags & TCP_FIN, ==, TCP_FIN);
	lab_later(lab); /* lost */
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags & TCP_FIN, ==, TCP_FIN);
	g_assert_cmphex(seg.seq, ==, lab->ack);
	lab->ack++;
	lab_say_at(lab, 0, "still here", 0);
	lab->seq += 10;
	lab_hear_ack(lab);
	lab_expect_host(lab, "still here");
	lab_say_at(lab, 0, NULL, TCP_FIN);
	lab->seq++;
	lab_hear_ack(lab);
	lab_expect_host_end(lab, 0);
	lab_later(lab);
	lab_hear_nothing(lab);
	lab_free(lab);
}

static void test_host_reset(void)
{
	struct lab *lab = lab_connected();
	struct linger linger = { .l_onoff = 1 };
	struct tcp_seg seg;

	setsockopt(lab->host, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(lab->host);
	lab->host = -1;
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_RST | TCP_ACK);
	g_assert_cmphex(seg.seq, ==, lab->ack);
	g_assert_cmphex(seg.ack, ==, lab->seq);
	lab_free(lab);
}

static void test_stray(void)
{
	struct lab *lab = lab_new();
	static const uint8_t wild[] = {
		0, TCP_FIN, TCP_SYN | TCP_FIN, TCP_SYN | TCP_ACK, TCP_ACK, 0xff & ~TCP_RST
	};
	struct tcp_seg seg;

	lab->ack = 4711;
	for (size_t i = 0; i < sizeof(wild); i++) {
		lab_say(lab,
		        (struct tcp_seg){ .seq = lab->seq, .ack = lab->ack, .flags = wild[i] });
		seg = lab_hear(lab);
		g_assert_cmphex(seg.flags & TCP_RST, ==, TCP_RST);
		if (wild[i] & TCP_ACK)
			g_assert_cmphex(seg.seq, ==, lab->ack);
	}
	lab_say(lab, (struct tcp_seg){ .seq = lab->seq, .flags = TCP_RST });
	lab_hear_nothing(lab);
	lab_free(lab);
}

/* Nothing that a sandbox says breaks it, or a connection that is none of its business. */
static void test_noise(void)
{
	struct lab *lab = lab_connected();
	uint16_t port = lab->port;
	uint8_t tcp[64];
	struct tcp_seg seg;

	for (int i = 0; i < 20000; i++) {
		size_t len = (size_t)g_test_rand_int_range(20, sizeof(tcp));
		uint32_t seq = lab->seq + (uint32_t)g_test_rand_int_range(-200, 200);

		lab->port = i % 2 ? port : (uint16_t)g_test_rand_int_range(1, 65536);
		for (size_t j = 0; j < len; j++)
			tcp[j] = (uint8_t)g_test_rand_int_range(0, 256);
		seq = GUINT32_TO_BE(seq);
		memcpy(tcp + 4, &seq, 4);
		tcp[12] = (uint8_t)(g_test_rand_int_range(5, (int)len / 4 + 1) << 4);
		if (lab->port == port)
			tcp[13] &= (uint8_t)~TCP_ACK; /* so that nothing of it is data */
		tcp[13] &= lab->port == port ? (uint8_t)~TCP_RST : 0xff;
		lab_say_raw(lab, tcp, len);
		while (recv(lab->wire, lab->frame, sizeof(lab->frame), MSG_DONTWAIT) > 0)
			continue;
	}
	lab->port = port;
	lab_say_at(lab, 0, "good", 0);
	lab->seq += 4;
	do
		seg = lab_hear(lab);
	while (seg.ack != lab->seq);
	lab_expect_host(lab, "good");
	lab_free(lab);
}

static void test_publish(void)
{
	struct lab *lab = lab_new();
	struct sockaddr_in sa = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct net_addr addr;
	struct tcp_seg seg;
	struct err err;

	net_addr_parse("127.0.0.1", &addr);
	g_assert_cmpint(tcp_publish(lab->engine.tcp, dup(lab->listener), GUEST_PORT, &err), ==, 0);
	sa.sin_port = htons(lab->port);
	lab->host = socket(AF_INET, SOCK_STREAM, 0);
	g_assert_cmpint(connect(lab->host, (void *)&sa, sizeof(sa)), ==, 0);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_SYN);
	lab->port = (uint16_t)(lab->frame[VNET_LEN + ETH_LEN + IP4_LEN] << 8 |
	                       lab->frame[VNET_LEN + ETH_LEN + IP4_LEN + 1]);
	lab->ack = seg.seq + 1;
	lab_later(lab); /* lost */
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_SYN);
	lab->ack += 5; /* not to this one */
	lab_say_at(lab, 0, NULL, 0);
	seg = lab_hear(lab);
	g_assert_cmphex(seg.flags, ==, TCP_RST);
	lab->ack -= 5;
	lab_say_at(lab, 0, NULL, TCP_SYN);
	lab->seq++;
	lab_hear_ack(lab);
	g_assert_cmpint(send(lab->host, "in", 2, 0), ==, 2);
	seg = lab_hear(lab);
	g_assert_cmpmem(seg.data, seg.len, "in", 2);
	lab->ack += 2;
	lab_say_at(lab, 0, "out", 0);
	lab_expect_host(lab, "out");
	g_assert_cmpint(tcp_unpublish(lab->engine.tcp, &addr, 1), ==, -ENOENT);
	g_assert_cmpint(tcp_unpublish(lab->engine.tcp, &addr, ntohs(sa.sin_port)), ==, 0);
	lab_free(lab);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tcp/wire", test_wire);
	g_test_add_func("/tcp/order", test_order);
	g_test_add_func("/tcp/early", test_early);
	g_test_add_func("/tcp/answers", test_answers);
	g_test_add_func("/tcp/lost-syn", test_lost_syn);
	g_test_add_func("/tcp/new-syn", test_new_syn);
	g_test_add_func("/tcp/refused", test_refused);
	g_test_add_func("/tcp/full", test_full);
	g_test_add_func("/tcp/repeat", test_repeat);
	g_test_add_func("/tcp/silence", test_silence);
	g_test_add_func("/tcp/window", test_window);
	g_test_add_func("/tcp/slow-host", test_slow_host);
	g_test_add_func("/tcp/half-close", test_half_close);
	g_test_add_func("/tcp/host-reset", test_host_reset);
	g_test_add_func("/tcp/stray", test_stray);
	g_test_add_func("/tcp/noise", test_noise);
	g_test_add_func("/tcp/publish", test_publish);
	return g_test_run();
}
