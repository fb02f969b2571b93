/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/offload.h"

#include <linux/virtio_net.h>
#include <string.h>

enum {
	SEGMENT = 65535 / 2 - 60, /* two of them, and their headers, fill libslirp's window */
	FLAG_SYN = 0x02,
};

_Static_assert(sizeof(struct virtio_net_hdr) == VNET_LEN, "the device's header");

void offload_in(uint8_t *data, size_t len)
{
	struct virtio_net_hdr head;
	uint8_t *frame = data + VNET_LEN;
	size_t at;
	uint16_t sum;

	memcpy(&head, data, VNET_LEN);
	len -= VNET_LEN;
	at = (size_t)head.csum_start + head.csum_offset;
	if (!(head.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || head.csum_start > len || at + 2 > len)
		return;
	/* the field holds the pseudo header's sum already */
	sum = (uint16_t)~packet_sum(0, frame + head.csum_start, len - head.csum_start);
	if (sum == 0)
		sum = 0xffff;
	memcpy(frame + at, &sum, 2);
}

/* The pseudo header's sum, to which the receiver would add the rest. */
static void pseudo_sum(const uint8_t *frame, size_t tcp, size_t len, uint8_t ret[2])
{
	bool v4 = tcp == ETH_LEN + IP4_LEN;
	const uint8_t *addrs = frame + ETH_LEN + (v4 ? 12 : 8);
	uint32_t n = (uint32_t)(len - tcp);
	uint8_t tail[8] = { 0, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, PROTO_TCP };
	uint16_t sum;

	sum = (uint16_t)packet_sum(packet_sum(0, addrs, v4 ? 8 : 32), tail, sizeof(tail));
	memcpy(ret, &sum, 2);
}

/* An iovec for the next piece of data, up to at. */
static void put_until(struct offload_out *out, const uint8_t *frame, size_t *from, size_t at)
{
	out->iov[out->count++] = (struct iovec){ (uint8_t *)(uintptr_t)frame + *from, at - *from };
	*from = at;
}

static void put_instead(struct offload_out *out, size_t *from, uint8_t *word)
{
	out->iov[out->count++] = (struct iovec){ word, 2 };
	*from += 2;
}

/* Whether it says, as libslirp does in its first option, that it takes segments over SEGMENT. */
static bool wants_long_segments(const uint8_t *tcp, size_t head)
{
	return tcp[13] & FLAG_SYN && head >= 24 && tcp[20] == 2 && tcp[21] == 4 &&
	       (tcp[22] << 8 | tcp[23]) > SEGMENT;
}

static void put_tcp(struct offload_out *out, unsigned int mtu, const uint8_t *frame, size_t len,
                    size_t tcp)
{
	size_t head = (size_t)(frame[tcp + 12] >> 4) * 4;
	struct virtio_net_hdr vnet = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		                       .csum_start = (uint16_t)tcp,
		                       .csum_offset = 16 };
	size_t from = 0;

	pseudo_sum(frame, tcp, len, out->sum);
	put_until(out, frame, &from, tcp + 16);
	put_instead(out, &from, out->sum);
	if (tcp + head <= len && wants_long_segments(frame + tcp, head)) {
		out->mss[0] = SEGMENT >> 8;
		out->mss[1] = SEGMENT & 0xff;
		put_until(out, frame, &from, tcp + 22);
		put_instead(out, &from, out->mss);
	}
	put_until(out, frame, &from, len);
	if (len > ETH_LEN + mtu) {
		vnet.gso_type = tcp == ETH_LEN + IP4_LEN ? VIRTIO_NET_HDR_GSO_TCPV4
		                                         : VIRTIO_NET_HDR_GSO_TCPV6;
		vnet.hdr_len = (uint16_t)(tcp + head);
		vnet.gso_size = (uint16_t)(mtu - (tcp + head - ETH_LEN));
	}
	memcpy(out->head, &vnet, VNET_LEN);
}

void offload_out(struct offload_out *out, unsigned int mtu, const uint8_t *frame, size_t len)
{
	size_t tcp = packet_find_tcp(frame, len);
	size_t from = 0;

	memset(out->head, 0, VNET_LEN);
	out->iov[0] = (struct iovec){ out->head, VNET_LEN };
	out->count = 1;
	if (tcp)
		put_tcp(out, mtu, frame, len, tcp);
	else
		put_until(out, frame, &from, len);
}
