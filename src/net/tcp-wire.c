/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/tcp-wire.h"

#include <linux/virtio_net.h>
#include <string.h>

_Static_assert(sizeof(struct virtio_net_hdr) == VNET_LEN, "the device's header");

enum { OPTION_END, OPTION_NOP, OPTION_MSS, OPTION_SCALE };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static void read_options(const uint8_t *p, size_t len, struct tcp_seg *seg)
{
	while (len && p[0] != OPTION_END) {
		size_t n = p[0] == OPTION_NOP ? 1 : len < 2 ? 0 : p[1];

		if (n == 0 || n > len || (n == 1 && p[0] != OPTION_NOP))
			return;
		if (p[0] == OPTION_MSS && n == 4)
			seg->mss = get16(p + 2);
		if (p[0] == OPTION_SCALE && n == 3) {
			seg->scaled = true;
			seg->scale = p[2] > TCP_SCALE_MAX ? TCP_SCALE_MAX : p[2];
		}
		p += n;
		len -= n;
	}
}

void tcp_read(const uint8_t *tcp, size_t len, struct tcp_seg *ret)
{
	size_t head = (size_t)(tcp[12] >> 4) * 4;

	*ret = (struct tcp_seg){
		.seq = get32(tcp + 4),
		.ack = get32(tcp + 8),
		.flags = tcp[13],
		.window = get16(tcp + 14),
		.data = tcp + head,
		.len = len - head,
	};
	if (ret->flags & TCP_SYN)
		read_options(tcp + TCP_LEN, head - TCP_LEN, ret);
}

static size_t write_options(uint8_t *p, const struct tcp_seg *seg)
{
	size_t len = 0;

	if (!(seg->flags & TCP_SYN))
		return 0;
	p[0] = OPTION_MSS;
	p[1] = 4;
	put16(p + 2, seg->mss);
	len = 4;
	if (seg->scaled) {
		p[4] = OPTION_NOP;
		p[5] = OPTION_SCALE;
		p[6] = 3;
		p[7] = seg->scale;
		len = 8;
	}
	return len;
}

/* The header that the device wants; see linux/virtio_net.h. */
static void write_vnet(uint8_t *buf, size_t tcp_at, size_t head, size_t data, uint16_t mss)
{
	struct virtio_net_hdr vnet = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)tcp_at,
		.csum_offset = 16,
	};

	if (data > mss) {
		vnet.gso_type = tcp_at == ETH_LEN + IP4_LEN ? VIRTIO_NET_HDR_GSO_TCPV4
		                                            : VIRTIO_NET_HDR_GSO_TCPV6;
		vnet.hdr_len = (uint16_t)head;
		vnet.gso_size = mss;
	}
	memcpy(buf, &vnet, VNET_LEN);
}

size_t tcp_write(uint8_t *buf, const struct packet_path *path, const struct tcp_seg *seg,
                 uint16_t mss)
{
	uint8_t *frame = buf + VNET_LEN;
	size_t at = packet_head(path, PROTO_TCP);
	uint8_t *tcp = frame + at;
	size_t head = TCP_LEN + write_options(tcp + TCP_LEN, seg);
	uint16_t sum;

	put16(tcp, path->sport);
	put16(tcp + 2, path->dport);
	put32(tcp + 4, seg->seq);
	put32(tcp + 8, seg->ack);
	tcp[12] = (uint8_t)(head / 4 << 4);
	tcp[13] = seg->flags;
	put16(tcp + 14, seg->window);
	put16(tcp + 18, 0);
	/* the pseudo header's sum, to which the receiver would add the rest */
	sum = packet_pseudo_sum(path, PROTO_TCP, head + seg->len);
	memcpy(tcp + 16, &sum, 2);
	packet_ip(frame, path, PROTO_TCP, head + seg->len);
	write_vnet(buf, at, at + head, seg->len, mss);
	return VNET_LEN + at + head;
}
