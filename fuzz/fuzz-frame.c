/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frame filter: whatever comes in, it stays inside the frame, and what it passes on keeps the
 * promises that the stack and the relays are built on; the same for the segments in it, and for
 * what the gateway answers.
 */
#include "net/filter.h"
#include "net/gateway.h"
#include "net/offload.h"
#include "net/packet.h"
#include "net/tcp-wire.h"

#include <stdlib.h>
#include <string.h>

#include "../tests/net/test-link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A segment is whole, and goes to no address that the host would take for itself. */
static void check_tcp(const struct frame *frame)
{
	struct tcp_seg seg;

	tcp_read(frame->payload, frame->payload_len, &seg);
	if (seg.data < frame->payload + TCP_LEN ||
	    seg.data + seg.len != frame->payload + frame->payload_len || seg.scale > TCP_SCALE_MAX)
		abort();
	if (net_addr_is4(&frame->dst) && (frame->dst.b[12] == 127 || frame->dst.b[12] == 0))
		abort();
	if (net_addr_is4(&frame->src) != net_addr_is4(&frame->dst))
		abort();
}

static void check(const struct net_link *link, const uint8_t *buf, size_t len,
                  const struct frame *frame)
{
	bool ours = net_addr_equal(&frame->src, &link->guest4) ||
	            net_addr_equal(&frame->src, &link->guest6);

	if (frame->kind == FRAME_DROP || frame->proto == 0)
		return;
	if (frame->payload &&
	    (frame->payload < buf || frame->payload + frame->payload_len > buf + len))
		abort();
	if (frame->kind == FRAME_TCP)
		check_tcp(frame);
	if (frame->kind == FRAME_STACK && frame->proto == PROTO_TCP)
		abort();
	if (!link->loose && !ours && frame->kind != FRAME_STACK)
		abort();
}

/* In a copy that is as long as the answer may be, and no longer. */
static void check_answer(const struct net_link *link, const uint8_t *buf, size_t len)
{
	static const uint8_t mac[6] = { 0x52, 0x55, 0x0a, 0, 2, 2 };
	size_t room = len > GATEWAY_ANSWER_MIN ? len : GATEWAY_ANSWER_MIN;
	uint8_t *copy = malloc(room);
	struct frame frame;
	size_t n;

	if (!copy)
		return;
	memcpy(copy, buf, len);
	filter_frame(link, copy, len, &frame);
	n = gateway_answer(link, mac, &frame, copy, len);
	if (n > room || (n && memcmp(copy + 6, mac, 6) != 0))
		abort();
	if (n && !(copy[0] & 1) && memcmp(copy, buf + 6, 6) != 0)
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame frame;
	struct net_link link;
	uint8_t *copy;

	if (size < 1 + VNET_LEN || size > 70000)
		return 0;
	link = make_link();
	link.loose = data[0] & 1;
	/* exactly as long as the frame, so that the sanitizer sees every byte too far */
	copy = malloc(size - 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	offload_in(copy, size - 1);
	filter_frame(&link, copy + VNET_LEN, size - 1 - VNET_LEN, &frame);
	check(&link, copy + VNET_LEN, size - 1 - VNET_LEN, &frame);
	if (frame.kind == FRAME_STACK)
		check_answer(&link, copy + VNET_LEN, size - 1 - VNET_LEN);
	free(copy);
	return 0;
}
