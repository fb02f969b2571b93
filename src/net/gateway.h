/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two addresses that the helper has in the sandbox's network, the gateway's and the resolver's,
 * as a neighbour: ARP (RFC 826), neighbour solicitations (RFC 4861) and pings. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct frame;
struct net_link;

enum {
	GATEWAY_ANSWER_MIN = 86
}; /* a neighbour advertisement, which is longer than some questions */

/* Makes the answer to a frame of FRAME_STACK in the frame's own place: its length, or 0 when there
 * is none. mac is the gateway's; data is what frame was read from, len bytes of it, with room for
 * GATEWAY_ANSWER_MIN. */
size_t gateway_answer(const struct net_link *link, const uint8_t mac[6], struct frame *frame,
                      uint8_t *data, size_t len);
