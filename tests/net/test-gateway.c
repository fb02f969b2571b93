/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gateway as a neighbour: who asks for its addresses, or pings them, gets the answer that a
 * kernel believes; who asks for others, or badly, gets none. */
#include "core/cleanup.h"
#include "net/filter.h"
#include "net/gateway.h"
#include "net/packet.h"

#include <glib.h>
#include <string.h>

#include "test-link.h"

static const uint8_t guest_mac[6] = { 0x52, 0x55, 0x0a, 0, 2, 0x64 };
static const uint8_t gateway_mac[6] = { 0x52, 0x55, 0x0a, 0, 2, 2 };

/* What comes back for a frame that the filter lets through. */
static size_t answer(uint8_t *buf, size_t len)
{
	struct net_link link = make_link();
	struct frame frame;

	filter_frame(&link, buf, len, &frame);
	g_assert_cmpint(frame.kind, ==, FRAME_STACK);
	return gateway_answer(&link, gateway_mac, &frame, buf, len);
}

static size_t make_arp(uint8_t *buf, uint8_t operation, uint8_t asked)
{
	static const uint8_t arp[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x55, 0x0a, 0,   2,
		                       0x64, 8,    6,    0,    1,    8,    0,    6,    4,    0,   1,
		                       0x52, 0x55, 0x0a, 0,    2,    0x64, 10,   0,    2,    100, 0,
		                       0,    0,    0,    0,    0,    10,   0,    2,    0 };

	memcpy(buf, arp, sizeof(arp));
	buf[21] = operation;
	buf[41] = asked;
	return sizeof(arp);
}

static void test_arp(void)
{
	uint8_t buf[GATEWAY_ANSWER_MIN];

	for (uint8_t asked = 2; asked <= 3; asked++) {
		const uint8_t addr[4] = { 10, 0, 2, asked };
		const uint8_t guest[4] = { 10, 0, 2, 100 };

		g_assert_cmpuint(answer(buf, make_arp(buf, 1, asked)), ==, 42);
		g_assert_cmpmem(buf, 6, guest_mac, 6);
		g_assert_cmpmem(buf + 6, 6, gateway_mac, 6);
		g_assert_cmpuint(buf[20] << 8 | buf[21], ==, 2);
		g_assert_cmpmem(buf + 22, 6, gateway_mac, 6);
		g_assert_cmpmem(buf + 28, 4, addr, 4);
		g_assert_cmpmem(buf + 32, 6, guest_mac, 6);
		g_assert_cmpmem(buf + 38, 4, guest, 4);
	}
	g_assert_cmpuint(answer(buf, make_arp(buf, 1, 4)), ==, 0);
	g_assert_cmpuint(answer(buf, make_arp(buf, 1, 100)), ==, 0);
	g_assert_cmpuint(answer(buf, make_arp(buf, 2, 2)), ==, 0);
	/* a probe before the address is taken, RFC 5227 */
	make_arp(buf, 1, 2);
	memset(buf + 28, 0, 4);
	g_assert_cmpuint(answer(buf, 42), ==, 42);
}

/* A solicitation for asked from src, with an option of that length (in units of 8) if it has one.
 */
static size_t make_solicitation(uint8_t *buf, const char *src, const char *asked, int option)
{
	struct packet_path path = { .dst_mac = gateway_mac, .src_mac = guest_mac };
	size_t len = option < 0 ? 24 : 32;
	struct net_addr target;
	uint8_t *icmp;

	net_addr_parse(src, &path.src);
	net_addr_parse("ff02::1:ff00:2", &path.dst);
	net_addr_parse(asked, &target);
	icmp = buf + packet_head(&path, PROTO_ICMP6);
	memset(icmp, 0, len);
	icmp[0] = 135;
	memcpy(icmp + 8, target.b, 16);
	if (option >= 0) {
		icmp[24] = 1;
		icmp[25] = (uint8_t)option;
		memcpy(icmp + 26, guest_mac, 6);
	}
	len = packet_seal(buf, &path, PROTO_ICMP6, len);
	buf[ETH_LEN + 7] = 255;
	return len;
}

/* As a kernel looks at it: RFC 4861, 7.1.2. */
static void check_advertisement(const uint8_t *buf, size_t len, const char *from, const char *to,
                                bool solicited)
{
	struct packet_path path = { 0 };
	struct net_addr dst;
	const uint8_t *ip = buf + ETH_LEN;
	const uint8_t *icmp = ip + IP6_LEN;

	g_assert_cmpuint(len, ==, GATEWAY_ANSWER_MIN);
	g_assert_cmpmem(buf + 6, 6, gateway_mac, 6);
	g_assert_cmpuint(ip[7], ==, 255);
	memcpy(path.src.b, ip + 8, 16);
	memcpy(path.dst.b, ip + 24, 16);
	g_assert_cmpuint(packet_checksum(&path, PROTO_ICMP6, icmp, 32), ==, 0);
	net_addr_parse(from, &path.src);
	net_addr_parse(to, &dst);
	g_assert_cmpmem(ip + 8, 16, path.src.b, 16);
	g_assert_cmpmem(ip + 24, 16, dst.b, 16);
	g_assert_cmpuint(icmp[0], ==, 136);
	g_assert_cmpuint(icmp[1], ==, 0);
	g_assert_cmpuint(icmp[4], ==, solicited ? 0xe0 : 0xa0);
	g_assert_cmpmem(icmp + 8, 16, path.src.b, 16);
	g_assert_cmpuint(icmp[24], ==, 2);
	g_assert_cmpuint(icmp[25], ==, 1);
	g_assert_cmpmem(icmp + 26, 6, gateway_mac, 6);
}

static void test_solicitation(void)
{
	static const char *const asked[] = { "fd00:1:2:3::2", "fd00:1:2:3::3" };
	static const uint8_t all[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	uint8_t buf[128];
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		len = answer(buf, make_solicitation(buf, "fd00:1:2:3::100", asked[i], 1));
		check_advertisement(buf, len, asked[i], "fd00:1:2:3::100", true);
		g_assert_cmpmem(buf, 6, guest_mac, 6);
		len = answer(buf, make_solicitation(buf, "fe80::5", asked[i], -1));
		check_advertisement(buf, len, asked[i], "fe80::5", true);
		len = answer(buf, make_solicitation(buf, "::", asked[i], -1));
		check_advertisement(buf, len, asked[i], "ff02::1", false);
		g_assert_cmpmem(buf, 6, all, 6);
	}
}

static void test_bad_solicitation(void)
{
	uint8_t buf[128];
	size_t len;

	g_assert_cmpuint(answer(buf, make_solicitation(buf, "fe80::5", "fd00:1:2:3::4", 1)), ==, 0);
	g_assert_cmpuint(answer(buf, make_solicitation(buf, "fe80::5", "fe80::2", 1)), ==, 0);
	/* options of no length, and of more than there is */
	g_assert_cmpuint(answer(buf, make_solicitation(buf, "fe80::5", "fd00:1:2:3::2", 0)), ==, 0);
	g_assert_cmpuint(answer(buf, make_solicitation(buf, "fe80::5", "fd00:1:2:3::2", 2)), ==, 0);
	len = make_solicitation(buf, "fe80::5", "fd00:1:2:3::2", 1);
	buf[ETH_LEN + IP6_LEN + 2] ^= 1; /* the checksum */
	g_assert_cmpuint(answer(buf, len), ==, 0);
	/* router solicitation, neighbour advertisement */
	for (uint8_t type = 133; type <= 136; type += 3) {
		len = make_solicitation(buf, "fe80::5", "fd00:1:2:3::2", 1);
		buf[ETH_LEN + IP6_LEN] = type;
		g_assert_cmpuint(answer(buf, len), ==, 0);
	}
	/* a whole message, but no whole solicitation */
	len = make_solicitation(buf, "fe80::5", "fd00:1:2:3::2", -1);
	buf[ETH_LEN + 5] = 23;
	g_assert_cmpuint(answer(buf, len - 1), ==, 0);
}

static void ping(const char *src, const char *dst, size_t size)
{
	struct packet_path path = { .dst_mac = gateway_mac, .src_mac = guest_mac };
	struct packet_path back = { 0 };
	g_autofree uint8_t *buf = g_malloc(PACKET_MAX);
	uint8_t *icmp;
	size_t head;
	bool v4;

	net_addr_parse(src, &path.src);
	net_addr_parse(dst, &path.dst);
	v4 = net_addr_is4(&path.src);
	back.src = path.dst;
	back.dst = path.src;
	head = packet_head(&path, v4 ? PROTO_ICMP : PROTO_ICMP6);
	icmp = buf + head;
	for (size_t i = 0; i < size; i++)
		icmp[i] = (uint8_t)(i * 7);
	icmp[0] = v4 ? 8 : 128;
	icmp[1] = 0;
	packet_seal(buf, &path, v4 ? PROTO_ICMP : PROTO_ICMP6, size);
	/* padding, as short frames have, is not part of the answer */
	memset(icmp + size, 0xee, 20);
	g_assert_cmpuint(answer(buf, head + size + 20), ==, head + size);
	g_assert_cmpmem(buf, 6, guest_mac, 6);
	g_assert_cmpmem(buf + 6, 6, gateway_mac, 6);
	g_assert_cmpuint(icmp[0], ==, v4 ? 0 : 129);
	g_assert_cmpuint(packet_checksum(&back, v4 ? PROTO_ICMP : PROTO_ICMP6, icmp, size), ==, 0);
	for (size_t i = 4; i < size; i++)
		g_assert_cmpuint(icmp[i], ==, (uint8_t)(i * 7));
	if (v4) {
		g_assert_cmpuint(packet_sum(0, buf + ETH_LEN, IP4_LEN), ==, 0xffff);
		g_assert_cmpmem(buf + ETH_LEN + 12, 4, back.src.b + 12, 4);
		g_assert_cmpmem(buf + ETH_LEN + 16, 4, back.dst.b + 12, 4);
	} else {
		g_assert_cmpmem(buf + ETH_LEN + 8, 16, back.src.b, 16);
		g_assert_cmpmem(buf + ETH_LEN + 24, 16, back.dst.b, 16);
	}
}

static void test_echo(void)
{
	static const size_t sizes[] = { 8, 9, 64, 1480, 65000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		ping("10.0.2.100", "10.0.2.2", sizes[i]);
		ping("10.0.2.100", "10.0.2.3", sizes[i]);
		ping("fd00:1:2:3::100", "fd00:1:2:3::2", sizes[i]);
		ping("fd00:1:2:3::100", "fd00:1:2:3::3", sizes[i]);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/gateway/arp", test_arp);
	g_test_add_func("/gateway/solicitation", test_solicitation);
	g_test_add_func("/gateway/bad-solicitation", test_bad_solicitation);
	g_test_add_func("/gateway/echo", test_echo);
	return g_test_run();
}
