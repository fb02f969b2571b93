/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/packet.h"

#include <string.h>

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* What the smallest vector registers hold; gcc makes twice as fast code of this as of an array. */
typedef uint64_t words __attribute__((vector_size(16)));

uint32_t packet_sum(uint32_t start, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum = start;
	words low = { 0 };
	words high = { 0 };
	words low2 = { 0 };
	words high2 = { 0 };

	/* four sums at a time, of which none waits for another */
	for (; len >= 2 * sizeof(words); p += 2 * sizeof(words), len -= 2 * sizeof(words)) {
		words first;
		words second;

		memcpy(&first, p, sizeof(first));
		memcpy(&second, p + sizeof(first), sizeof(second));
		low += first & UINT32_MAX;
		high += first >> 32;
		low2 += second & UINT32_MAX;
		high2 += second >> 32;
	}
	low += high + low2 + high2;
	sum += low[0] + low[1];
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		sum += (word & 0xffffffff) + (word >> 32);
	}
	for (; len >= 2; p += 2, len -= 2) {
		uint16_t word;

		memcpy(&word, p, 2);
		sum += word;
	}
	if (len) {
		uint16_t word = 0;

		memcpy(&word, p, 1);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

uint16_t packet_pseudo_sum(const struct packet_path *path, uint8_t proto, size_t len)
{
	size_t skip = net_addr_is4(&path->src) ? 12 : 0;
	uint8_t tail[8] = { 0 };
	uint32_t sum;

	put16(tail, (uint16_t)(len >> 16));
	put16(tail + 2, (uint16_t)len);
	tail[7] = proto;
	sum = packet_sum(0, path->src.b + skip, 16 - skip);
	sum = packet_sum(sum, path->dst.b + skip, 16 - skip);
	return (uint16_t)packet_sum(sum, tail, sizeof(tail));
}

uint16_t packet_checksum(const struct packet_path *path, uint8_t proto, const void *data,
                         size_t len)
{
	uint32_t sum = proto == PROTO_ICMP ? 0 : packet_pseudo_sum(path, proto, len);

	return (uint16_t)~packet_sum(sum, data, len);
}

static void put_ip4(uint8_t *p, const struct packet_path *path, uint8_t proto, size_t payload)
{
	uint16_t sum;

	memset(p, 0, IP4_LEN);
	p[0] = 0x45;
	put16(p + 2, (uint16_t)(IP4_LEN + payload));
	put16(p + 4, path->id);
	p[8] = 64;
	p[9] = proto;
	memcpy(p + 12, path->src.b + 12, 4);
	memcpy(p + 16, path->dst.b + 12, 4);
	sum = (uint16_t)~packet_sum(0, p, IP4_LEN);
	memcpy(p + 10, &sum, 2);
}

static void put_ip6(uint8_t *p, const struct packet_path *path, uint8_t proto, size_t payload)
{
	memset(p, 0, 8);
	p[0] = 0x60;
	put16(p + 4, (uint16_t)payload);
	p[6] = proto;
	p[7] = 64;
	memcpy(p + 8, path->src.b, 16);
	memcpy(p + 24, path->dst.b, 16);
}

void packet_ip(uint8_t *buf, const struct packet_path *path, uint8_t proto, size_t payload)
{
	bool v4 = net_addr_is4(&path->src);

	memcpy(buf, path->dst_mac, 6);
	memcpy(buf + 6, path->src_mac, 6);
	put16(buf + 12, v4 ? 0x0800 : 0x86dd);
	if (v4)
		put_ip4(buf + ETH_LEN, path, proto, payload);
	else
		put_ip6(buf + ETH_LEN, path, proto, payload);
}

size_t packet_head(const struct packet_path *path, uint8_t proto)
{
	return ETH_LEN + (net_addr_is4(&path->src) ? IP4_LEN : IP6_LEN) +
	       (proto == PROTO_UDP ? UDP_LEN : 0);
}

size_t packet_seal(uint8_t *buf, const struct packet_path *path, uint8_t proto, size_t payload)
{
	bool v4 = net_addr_is4(&path->src);
	uint8_t *ip = buf + ETH_LEN;
	uint8_t *body = ip + (v4 ? IP4_LEN : IP6_LEN);
	uint8_t *sum_at = body + (proto == PROTO_UDP ? 6 : 2);
	uint16_t sum;

	if (proto == PROTO_UDP) {
		payload += UDP_LEN;
		put16(body, path->sport);
		put16(body + 2, path->dport);
		put16(body + 4, (uint16_t)payload);
	}
	memset(sum_at, 0, 2);
	sum = packet_checksum(path, proto, body, payload);
	if (sum == 0 && proto == PROTO_UDP)
		sum = 0xffff; /* 0 would mean "none" */
	memcpy(sum_at, &sum, 2);
	packet_ip(buf, path, proto, payload);
	return (size_t)(body - buf) + payload;
}

void packet_fragment(uint8_t *frame, size_t len, unsigned int mtu,
                     void (*put)(void *data, const uint8_t *frame, size_t len), void *data)
{
	uint8_t head[ETH_LEN + IP4_LEN];
	size_t step = (mtu - IP4_LEN) & ~(size_t)7;
	size_t left;

	if (len <= ETH_LEN + mtu || frame[12] != 0x08) {
		put(data, frame, len);
		return;
	}
	memcpy(head, frame, sizeof(head));
	left = len - sizeof(head);
	/* each fragment's header overwrites the end of the one sent before */
	for (size_t at = 0; left; at += step) {
		size_t n = left < step ? left : step;
		uint8_t *ip = frame + at + ETH_LEN;
		uint16_t sum;

		memcpy(frame + at, head, sizeof(head));
		put16(ip + 2, (uint16_t)(IP4_LEN + n));
		put16(ip + 6, (uint16_t)((at / 8) | (n < left ? 0x2000 : 0)));
		put16(ip + 10, 0);
		sum = (uint16_t)~packet_sum(0, ip, IP4_LEN);
		memcpy(ip + 10, &sum, 2);
		put(data, frame + at, sizeof(head) + n);
		left -= n;
	}
}

size_t packet_unreachable(uint8_t *buf, const struct packet_path *sent,
                          const struct packet_lost *lost)
{
	/* RFC 792, RFC 4443 */
	static const uint8_t codes4[] = {
		[PACKET_NO_PORT] = 3, [PACKET_NO_HOST] = 1, [PACKET_NO_NET] = 0
	};
	static const uint8_t codes6[] = {
		[PACKET_NO_PORT] = 4, [PACKET_NO_HOST] = 3, [PACKET_NO_NET] = 0
	};
	bool v4 = net_addr_is4(&sent->src);
	uint8_t proto = v4 ? PROTO_ICMP : PROTO_ICMP6;
	struct packet_path back = { .dst_mac = sent->src_mac,
		                    .src_mac = sent->dst_mac,
		                    .src = sent->dst,
		                    .dst = sent->src };
	uint8_t *icmp = buf + packet_head(&back, proto);
	uint8_t *inner = icmp + 8;
	uint8_t *body = inner + (v4 ? IP4_LEN : IP6_LEN);

	memset(icmp, 0, 8);
	icmp[0] = v4 ? 3 : 1;
	icmp[1] = v4 ? codes4[lost->why] : codes6[lost->why];
	if (v4)
		put_ip4(inner, sent, lost->proto, UDP_LEN);
	else
		put_ip6(inner, sent, lost->proto, UDP_LEN);
	put16(body, sent->sport);
	put16(body + 2, sent->dport);
	if (lost->proto == PROTO_UDP) {
		put16(body + 4, UDP_LEN);
		put16(body + 6, 0);
	} else {
		put16(body + 4, (uint16_t)(lost->seq >> 16));
		put16(body + 6, (uint16_t)lost->seq);
	}
	return packet_seal(buf, &back, proto, (size_t)(body + UDP_LEN - icmp));
}
