/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The frame filter: what an honest kernel sends passes, each lie is dropped. */
#include "core/cleanup.h"
#include "net/filter.h"
#include "net/packet.h"

#include <glib.h>
#include <string.h>

#include "test-link.h"

static const uint8_t guest_mac[6] = { 0x52, 0x55, 0x0a, 0, 2, 0x64 };
static const uint8_t gateway_mac[6] = { 0x52, 0x55, 0x0a, 0, 2, 2 };

/* A datagram (or, by proto, a ping, or a SYN) from src to dst. */
static size_t make_frame(uint8_t *buf, const char *src, const char *dst, uint8_t proto)
{
	struct packet_path path = {
		.dst_mac = gateway_mac, .src_mac = guest_mac, .sport = 1000, .dport = 53
	};
	uint8_t *payload;
	uint16_t sum;
	size_t len;

	net_addr_parse(src, &path.src);
	net_addr_parse(dst, &path.dst);
	payload = buf + packet_head(&path, proto);
	memset(payload, 0, 32);
	if (proto == PROTO_ICMP)
		payload[0] = 8;
	if (proto == PROTO_ICMP6)
		payload[0] = 128;
	if (proto != PROTO_TCP)
		return packet_seal(buf, &path, proto, 32);
	len = packet_seal(buf, &path, net_addr_is4(&path.src) ? PROTO_ICMP : PROTO_ICMP6, 32);
	memset(payload, 0, 32);
	payload[1] = payload[3] = 80;
	payload[12] = 0x50;
	payload[13] = 2;
	sum = packet_checksum(&path, PROTO_TCP, payload, 32);
	memcpy(payload + 16, &sum, 2);
	if (!net_addr_is4(&path.src)) {
		buf[ETH_LEN + 6] = PROTO_TCP;
		return len;
	}
	buf[ETH_LEN + 9] = PROTO_TCP;
	memset(buf + ETH_LEN + 10, 0, 2);
	sum = (uint16_t)~packet_sum(0, buf + ETH_LEN, IP4_LEN);
	memcpy(buf + ETH_LEN + 10, &sum, 2);
	return len;
}

static enum frame_kind judge(uint8_t *buf, size_t len)
{
	struct net_link link = make_link();
	struct frame frame;

	filter_frame(&link, buf, len, &frame);
	if (frame.kind == FRAME_DROP)
		g_test_message("dropped: %s", frame.why ? frame.why : "-");
	return frame.kind;
}

static void test_good(void)
{
	uint8_t buf[256];

	g_assert_cmpint(judge(buf, make_frame(buf, "10.0.2.100", "203.0.113.1", PROTO_UDP)), ==,
	                FRAME_UDP);
	g_assert_cmpint(judge(buf, make_frame(buf, "10.0.2.100", "203.0.113.1", PROTO_TCP)), ==,
	                FRAME_TCP);
	g_assert_cmpint(judge(buf, make_frame(buf, "10.0.2.100", "203.0.113.1", PROTO_ICMP)), ==,
	                FRAME_ECHO);
	g_assert_cmpint(judge(buf, make_frame(buf, "10.0.2.100", "10.0.2.2", PROTO_ICMP)), ==,
	                FRAME_STACK);
	g_assert_cmpint(judge(buf, make_frame(buf, "10.0.2.100", "10.0.2.3", PROTO_UDP)), ==,
	                FRAME_UDP);
	g_assert_cmpint(judge(buf, make_frame(buf, "fd00:1:2:3::100", "2001:db8::1", PROTO_UDP)),
	                ==, FRAME_UDP);
	g_assert_cmpint(judge(buf, make_frame(buf, "fd00:1:2:3::100", "2001:db8::1", PROTO_TCP)),
	                ==, FRAME_TCP);
	g_assert_cmpint(judge(buf, make_frame(buf, "fd00:1:2:3::100", "2001:db8::1", PROTO_ICMP6)),
	                ==, FRAME_ECHO);
}

static void test_addresses(void)
{
	static const struct {
		const char *src, *dst;
	} lies[] = {
		{ "10.0.2.101", "203.0.113.1" },
		{ "203.0.113.5", "203.0.113.1" },
		{ "0.0.0.0", "203.0.113.1" },
		{ "127.0.0.1", "203.0.113.1" },
		{ "10.0.2.2", "203.0.113.1" },
		{ "10.0.2.100", "127.0.0.1" },
		{ "10.0.2.100", "0.0.0.0" },
		{ "10.0.2.100", "0.0.0.1" },
		{ "10.0.2.100", "224.0.0.1" },
		{ "10.0.2.100", "255.255.255.255" },
		{ "10.0.2.100", "10.0.2.255" },
		{ "10.0.2.100", "10.0.2.50" },
		{ "fd00:1:2:3::101", "2001:db8::1" },
		{ "2001:db8::5", "2001:db8::1" },
		{ "fe80::1", "2001:db8::1" },
		{ "fd00:1:2:3::100", "::1" },
		{ "fd00:1:2:3::100", "::" },
		{ "fd00:1:2:3::100", "::127.0.0.1" },
		{ "fd00:1:2:3::100", "fe80::2" },
		{ "fd00:1:2:3::100", "ff02::1" },
		{ "fd00:1:2:3::100", "fd00:1:2:3::50" },
	};
	uint8_t buf[256];
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		g_test_message("%s > %s", lies[i].src, lies[i].dst);
		len = make_frame(buf, lies[i].src, lies[i].dst, PROTO_UDP);
		g_assert_cmpint(judge(buf, len), ==, FRAME_DROP);
		len = make_frame(buf, lies[i].src, lies[i].dst, PROTO_TCP);
		g_assert_cmpint(judge(buf, len), ==, FRAME_DROP);
	}
	/* ::ffff:127.0.0.1 as a real IPv6 destination */
	len = make_frame(buf, "fd00:1:2:3::100", "2001:db8::1", PROTO_TCP);
	memset(buf + ETH_LEN + 24, 0, 16);
	memset(buf + ETH_LEN + 34, 0xff, 2);
	buf[ETH_LEN + 36] = 127;
	buf[ETH_LEN + 39] = 1;
	g_assert_cmpint(judge(buf, len), ==, FRAME_DROP);
}

/* Sets one byte of a good frame and fixes the IPv4 header's checksum. */
static void expect_drop(uint8_t proto, size_t at, uint8_t value)
{
	uint8_t buf[256];
	size_t len = make_frame(buf, "10.0.2.100", "203.0.113.1", proto);
	uint16_t sum;

	buf[at] = value;
	memset(buf + ETH_LEN + 10, 0, 2);
	sum = (uint16_t)~packet_sum(0, buf + ETH_LEN, IP4_LEN);
	memcpy(buf + ETH_LEN + 10, &sum, 2);
	g_test_message("byte %zu = %u", at, value);
	g_assert_cmpint(judge(buf, len), ==, FRAME_DROP);
}

static void test_malformed(void)
{
	uint8_t buf[256];
	size_t len = make_frame(buf, "10.0.2.100", "203.0.113.1", PROTO_UDP);

	for (size_t cut = 0; cut < len; cut++) /* too short for what its headers say */
		g_assert_cmpint(judge(buf, cut), ==, FRAME_DROP);
	expect_drop(PROTO_UDP, 6, 0x01);                   /* multicast source */
	expect_drop(PROTO_UDP, 11, 0x65);                  /* another's MAC address */
	expect_drop(PROTO_UDP, 12, 0x88);                  /* 0x8800; NC-SI is 0x88f8 */
	expect_drop(PROTO_UDP, ETH_LEN, 0x46);             /* options */
	expect_drop(PROTO_UDP, ETH_LEN, 0x65);             /* version 6 */
	expect_drop(PROTO_UDP, ETH_LEN + 6, 0x20);         /* more fragments */
	expect_drop(PROTO_UDP, ETH_LEN + 7, 0x01);         /* offset */
	expect_drop(PROTO_UDP, ETH_LEN + 6, 0x80);         /* reserved bit */
	expect_drop(PROTO_UDP, ETH_LEN + 9, 2);            /* IGMP */
	expect_drop(PROTO_UDP, ETH_LEN + 9, 41);           /* IPv6 inside */
	expect_drop(PROTO_UDP, ETH_LEN + IP4_LEN + 3, 67); /* BOOTP, though with a bad checksum */
	expect_drop(PROTO_UDP, ETH_LEN + IP4_LEN + 3, 69); /* TFTP */
	expect_drop(PROTO_UDP, ETH_LEN + IP4_LEN + 5, 7);  /* length */
	expect_drop(PROTO_UDP, ETH_LEN + IP4_LEN + 10, 1); /* checksum */
	expect_drop(PROTO_ICMP, ETH_LEN + IP4_LEN, 13);    /* timestamp request */
	expect_drop(PROTO_TCP, ETH_LEN + IP4_LEN + 12, 0x40); /* header length */
	expect_drop(PROTO_TCP, ETH_LEN + IP4_LEN + 12, 0xf0);
}

static void test_arp(void)
{
	uint8_t buf[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x55, 0x0a, 0,   2,
		            0x64, 8,    6,    0,    1,    8,    0,    6,    4,    0,   1,
		            0x52, 0x55, 0x0a, 0,    2,    0x64, 10,   0,    2,    100, 0,
		            0,    0,    0,    0,    0,    10,   0,    2,    2 };

	g_assert_cmpint(judge(buf, 42), ==, FRAME_STACK);
	g_assert_cmpint(judge(buf, 41), ==, FRAME_DROP);
	buf[31] = 3; /* as the name server */
	g_assert_cmpint(judge(buf, 42), ==, FRAME_DROP);
	memset(buf + 28, 0, 4); /* a probe */
	g_assert_cmpint(judge(buf, 42), ==, FRAME_STACK);
	buf[22] ^= 2; /* hardware address unlike the frame's */
	g_assert_cmpint(judge(buf, 42), ==, FRAME_DROP);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/filter/good", test_good);
	g_test_add_func("/filter/addresses", test_addresses);
	g_test_add_func("/filter/malformed", test_malformed);
	g_test_add_func("/filter/arp", test_arp);
	return g_test_run();
}
