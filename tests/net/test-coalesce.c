/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may wait for its neighbours, and what becomes of it. */
#include "net/coalesce.h"

#include <glib.h>
#include <string.h>

enum { ACK = 0x10, PSH = 0x18, FIN = 0x11, SYN = 0x12 };

struct segment {
	bool v6;
	uint32_t seq;
	uint32_t ack;
	uint16_t window;
	uint8_t flags;
	uint16_t port;
	size_t data;
};

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static size_t make(uint8_t *buf, const struct segment *segment)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct packet_path path = { .dst_mac = mac, .src_mac = mac };
	size_t tcp = ETH_LEN + (segment->v6 ? IP6_LEN : IP4_LEN);
	size_t len;
	uint16_t sum;

	net_addr_parse(segment->v6 ? "fd00::2" : "10.0.2.2", &path.src);
	net_addr_parse(segment->v6 ? "fd00::100" : "10.0.2.100", &path.dst);
	memset(buf + tcp, 0, 20);
	len = packet_seal(buf, &path, segment->v6 ? PROTO_ICMP6 : PROTO_ICMP, 20 + segment->data);
	buf[segment->v6 ? ETH_LEN + 6 : ETH_LEN + 9] = PROTO_TCP;
	if (!segment->v6) {
		memset(buf + ETH_LEN + 10, 0, 2);
		sum = (uint16_t)~packet_sum(0, buf + ETH_LEN, IP4_LEN);
		memcpy(buf + ETH_LEN + 10, &sum, 2);
	}
	memset(buf + tcp, 0, 20);
	buf[tcp + 3] = (uint8_t)segment->port;
	put32(buf + tcp + 4, segment->seq);
	put32(buf + tcp + 8, segment->ack);
	buf[tcp + 12] = 0x50;
	buf[tcp + 13] = segment->flags;
	buf[tcp + 14] = (uint8_t)(segment->window >> 8);
	buf[tcp + 15] = (uint8_t)segment->window;
	for (size_t i = 0; i < segment->data; i++)
		buf[tcp + 20 + i] = (uint8_t)(segment->seq + i);
	return len;
}

static void test_verdicts(void)
{
	static const struct {
		const char *name;
		struct segment first;
		struct segment second;
		enum coalesce_verdict want;
	} cases[] = {
		{ "follows",
		  { .flags = ACK, .data = 100 },
		  { .seq = 100, .flags = PSH, .data = 50 },
		  COALESCE_TAKEN },
		{ "leaves a gap",
		  { .flags = ACK, .data = 100 },
		  { .seq = 101, .flags = ACK, .data = 1 },
		  COALESCE_FULL },
		{ "comes again",
		  { .flags = ACK, .data = 100 },
		  { .flags = ACK, .data = 100 },
		  COALESCE_FULL },
		{ "wraps",
		  { .seq = 0xffffffff, .flags = ACK, .data = 1 },
		  { .flags = ACK, .data = 1 },
		  COALESCE_TAKEN },
		{ "acknowledges more",
		  { .ack = 7, .flags = ACK },
		  { .ack = 8, .flags = ACK },
		  COALESCE_TAKEN },
		{ "acknowledges across the end",
		  { .ack = 0xffffffff, .flags = ACK },
		  { .ack = 1, .flags = ACK },
		  COALESCE_TAKEN },
		{ "acknowledges the same",
		  { .ack = 7, .flags = ACK },
		  { .ack = 7, .flags = ACK },
		  COALESCE_FULL },
		{ "acknowledges less",
		  { .ack = 7, .flags = ACK },
		  { .ack = 6, .flags = ACK },
		  COALESCE_FULL },
		{ "data after an acknowledgement",
		  { .ack = 7, .flags = ACK },
		  { .ack = 7, .flags = ACK, .data = 9 },
		  COALESCE_TAKEN },
		{ "another port",
		  { .flags = ACK, .data = 1 },
		  { .seq = 1, .port = 1, .flags = ACK, .data = 1 },
		  COALESCE_FULL },
		{ "another family",
		  { .flags = ACK, .data = 1 },
		  { .v6 = true, .seq = 1, .flags = ACK, .data = 1 },
		  COALESCE_FULL },
		{ "too much",
		  { .flags = ACK, .data = 40000 },
		  { .seq = 40000, .flags = ACK, .data = 40000 },
		  COALESCE_FULL },
		{ "an end",
		  { .flags = ACK, .data = 1 },
		  { .seq = 1, .flags = FIN },
		  COALESCE_PLAIN },
		{ "a beginning",
		  { .flags = ACK, .data = 1 },
		  { .seq = 1, .flags = SYN },
		  COALESCE_PLAIN },
		{ "urgent",
		  { .flags = ACK, .data = 1 },
		  { .seq = 1, .flags = ACK | 0x20, .data = 1 },
		  COALESCE_PLAIN },
	};
	static struct coalesce held;
	static uint8_t buf[PACKET_MAX];

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].name);
		held.len = 0;
		g_assert_cmpint(coalesce_add(&held, buf, make(buf, &cases[i].first)), ==,
		                COALESCE_TAKEN);
		g_assert_cmpint(coalesce_add(&held, buf, make(buf, &cases[i].second)), ==,
		                cases[i].want);
	}
}

/* Two segments are, but for the IPv4 identification, what one twice as long would be. */
static void test_joined(gconstpointer v6)
{
	struct segment one = {
		.v6 = v6 != NULL, .seq = 5, .ack = 1, .window = 9, .flags = ACK, .data = 301
	};
	struct segment two = {
		.v6 = v6 != NULL, .seq = 306, .ack = 2, .window = 8, .flags = PSH, .data = 77
	};
	struct segment both = {
		.v6 = v6 != NULL, .seq = 5, .ack = 2, .window = 8, .flags = PSH, .data = 378
	};
	static struct coalesce held;
	static uint8_t buf[PACKET_MAX];
	size_t len;

	held.len = 0;
	coalesce_add(&held, buf, make(buf, &one));
	coalesce_add(&held, buf, make(buf, &two));
	len = make(buf, &both);
	g_assert_cmpmem(held.frame, held.len, buf, len);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/coalesce/verdicts", test_verdicts);
	g_test_add_data_func("/coalesce/joined/v4", NULL, test_joined);
	g_test_add_data_func("/coalesce/joined/v6", "v6", test_joined);
	return g_test_run();
}
