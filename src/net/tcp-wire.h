/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TCP segments (RFC 9293, RFC 7323 for the window scale), read and written. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/packet.h"

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

enum {
	TCP_LEN = 20,
	TCP_SYN_OPTIONS = 8, /* MSS, and the window scale with one byte of padding */
	TCP_HEAD_MAX = VNET_LEN + ETH_LEN + IP6_LEN + TCP_LEN + TCP_SYN_OPTIONS,
	TCP_DATA_MAX = 65480, /* of one frame; with IPv4 what an MTU of 65520 holds */
	TCP_SCALE_MAX = 14,
};

struct tcp_seg {
	uint32_t seq;
	uint32_t ack;
	uint16_t window; /* as on the wire */
	uint8_t flags;
	bool scaled; /* it has a window scale, which is only looked for with SYN */
	uint8_t scale;
	uint16_t mss; /* 0: none */
	const uint8_t *data;
	size_t len;
};

/* Reads a segment of len bytes, of which the filter has seen that the header is inside. An option
 * that is cut short ends the options. */
void tcp_read(const uint8_t *tcp, size_t len, struct tcp_seg *ret);

/* Writes all that goes in front of seg's data, from the device's own header on: how many bytes (at
 * most TCP_HEAD_MAX). The checksum is left for the receiver's kernel, and so is cutting data that
 * is longer than mss. */
size_t tcp_write(uint8_t *buf, const struct packet_path *path, const struct tcp_seg *seg,
                 uint16_t mss);

/* How much of the sequence space it takes. */
static inline uint32_t tcp_seg_span(const struct tcp_seg *seg)
{
	return (uint32_t)seg->len + !!(seg->flags & TCP_SYN) + !!(seg->flags & TCP_FIN);
}

/* a minus b, negative when a is before b (RFC 9293, 3.4). */
static inline int32_t tcp_seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}
