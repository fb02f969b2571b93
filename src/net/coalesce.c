/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/coalesce.h"

#include <stdbool.h>
#include <string.h>

enum {
	TCP_LEN = 20, /* libslirp sends no options but with SYN */
	FLAG_PSH = 0x08,
	FLAG_ACK = 0x10,
};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Where the header of a segment that may wait begins, or 0. */
static size_t plain_tcp(const uint8_t *frame, size_t len)
{
	size_t at = packet_find_tcp(frame, len);
	bool v4 = at == ETH_LEN + IP4_LEN;
	size_t said;

	if (!at || frame[at + 12] >> 4 != TCP_LEN / 4 || (frame[at + 13] & ~FLAG_PSH) != FLAG_ACK)
		return 0;
	said = (size_t)(frame[ETH_LEN + (v4 ? 2 : 4)] << 8 | frame[ETH_LEN + (v4 ? 3 : 5)]);
	return ETH_LEN + (v4 ? 0 : IP6_LEN) + said == len ? at : 0;
}

/* Same connection, by MAC and IP addresses and ports. */
static bool same_flow(const struct coalesce *held, const uint8_t *frame, size_t tcp)
{
	size_t addrs = ETH_LEN + (tcp == ETH_LEN + IP4_LEN ? 12 : 8);

	return held->tcp == tcp && memcmp(held->frame, frame, ETH_LEN) == 0 &&
	       memcmp(held->frame + addrs, frame + addrs, tcp + 4 - addrs) == 0;
}

static void set_length(struct coalesce *held)
{
	uint8_t *ip = held->frame + ETH_LEN;
	bool v4 = held->tcp == ETH_LEN + IP4_LEN;
	size_t len = held->len - ETH_LEN - (v4 ? 0 : IP6_LEN);
	uint16_t sum;

	ip[v4 ? 2 : 4] = (uint8_t)(len >> 8);
	ip[v4 ? 3 : 5] = (uint8_t)len;
	if (!v4)
		return;
	memset(ip + 10, 0, 2);
	sum = (uint16_t)~packet_sum(0, ip, IP4_LEN);
	memcpy(ip + 10, &sum, 2);
}

/* Whether the segment can join the one that waits, and how: see coalesce_add(). */
static bool join(struct coalesce *held, const uint8_t *frame, size_t len)
{
	const uint8_t *new = frame + held->tcp;
	uint8_t *old = held->frame + held->tcp;
	size_t old_data = held->len - held->tcp - TCP_LEN;
	size_t new_data = len - held->tcp - TCP_LEN;
	int32_t acked = (int32_t)(get32(new + 8) - get32(old + 8));

	if (get32(new + 4) != get32(old + 4) + (uint32_t)old_data || acked < 0 ||
	    held->len + new_data > PACKET_MAX)
		return false;
	/* the same acknowledgement again says that something is missing: it has to be seen */
	if (!new_data && !acked)
		return false;
	memcpy(held->frame + held->len, new + TCP_LEN, new_data);
	held->len += new_data;
	memcpy(old + 8, new + 8, 4);
	old[13] |= new[13];
	memcpy(old + 14, new + 14, 2);
	set_length(held);
	return true;
}

enum coalesce_verdict coalesce_add(struct coalesce *held, const uint8_t *frame, size_t len)
{
	size_t tcp = plain_tcp(frame, len);

	if (!tcp || len > PACKET_MAX)
		return COALESCE_PLAIN;
	if (held->len) {
		return same_flow(held, frame, tcp) && join(held, frame, len) ? COALESCE_TAKEN
		                                                             : COALESCE_FULL;
	}
	memcpy(held->frame, frame, len);
	held->len = len;
	held->tcp = tcp;
	return COALESCE_TAKEN;
}
