/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/offload.h"

#include <linux/virtio_net.h>
#include <string.h>

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

/* Where TCP begins in a frame, or 0 when it is something else. */
static size_t find_tcp(const uint8_t *frame, size_t len)
{
	size_t at = 0;

	if (len >= ETH_LEN + IP4_LEN + 20 && frame[12] == 0x08 && frame[13] == 0x00 &&
	    frame[ETH_LEN] == 0x45 && frame[ETH_LEN + 9] == PROTO_TCP)
		at = ETH_LEN + IP4_LEN;
	if (len >= ETH_LEN + IP6_LEN + 20 && frame[12] == 0x86 && frame[13] == 0xdd &&
	    frame[ETH_LEN + 6] == PROTO_TCP)
		at = ETH_LEN + IP6_LEN;
	return at;
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

void offload_out(struct offload_out *out, unsigned int mtu, const uint8_t *frame, size_t len)
{
	struct virtio_net_hdr head = { 0 };
	uint8_t *data = (uint8_t *)(uintptr_t)frame;
	size_t tcp = find_tcp(frame, len);

	out->iov[0] = (struct iovec){ out->head, VNET_LEN };
	out->iov[1] = (struct iovec){ data, len };
	out->count = 2;
	if (tcp) {
		size_t start = tcp + (size_t)(frame[tcp + 12] >> 4) * 4;

		head.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		head.csum_start = (uint16_t)tcp;
		head.csum_offset = 16;
		pseudo_sum(frame, tcp, len, out->sum);
		out->iov[1].iov_len = tcp + 16;
		out->iov[2] = (struct iovec){ out->sum, 2 };
		out->iov[3] = (struct iovec){ data + tcp + 18, len - tcp - 18 };
		out->count = 4;
		if (len > ETH_LEN + mtu) {
			head.gso_type = tcp == ETH_LEN + IP4_LEN ? VIRTIO_NET_HDR_GSO_TCPV4
			                                         : VIRTIO_NET_HDR_GSO_TCPV6;
			head.hdr_len = (uint16_t)start;
			head.gso_size = (uint16_t)(mtu - (start - ETH_LEN));
		}
	}
	memcpy(out->head, &head, VNET_LEN);
}
