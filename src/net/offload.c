/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/offload.h"

#include <linux/virtio_net.h>
#include <string.h>

_Static_assert(sizeof(struct virtio_net_hdr) == VNET_LEN, "the device's header");

enum { TCP_CHECK = 16 }; /* where the checksum is in its header; in UDP's it is not there */

bool offload_in(uint8_t *data, size_t len)
{
	struct virtio_net_hdr head;
	uint8_t *frame = data + VNET_LEN;
	size_t at;
	uint16_t sum;

	memcpy(&head, data, VNET_LEN);
	len -= VNET_LEN;
	at = (size_t)head.csum_start + head.csum_offset;
	if (!(head.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return false;
	if (head.csum_offset == TCP_CHECK)
		return true;
	if (head.csum_start > len || at + 2 > len)
		return false;
	/* the field holds the pseudo header's sum already */
	sum = (uint16_t)~packet_sum(0, frame + head.csum_start, len - head.csum_start);
	if (sum == 0)
		sum = 0xffff;
	memcpy(frame + at, &sum, 2);
	return false;
}
