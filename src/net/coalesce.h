/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TCP for the sandbox waits here for its neighbours until the round of the loop is over: segments
 * of a stream that follow each other become one, and an acknowledgement takes the place of the
 * one before it. Each frame that need not be written saves waking the sandbox, and the answer it
 * would give. What is no plain segment does not wait, and nothing overtakes. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/packet.h"

struct coalesce {
	size_t len; /* of the frame that waits; 0: none */
	size_t tcp; /* where its TCP header begins */
	uint8_t frame[PACKET_MAX];
};

enum coalesce_verdict {
	COALESCE_TAKEN, /* it waits */
	COALESCE_FULL,  /* send what waits (len = 0), and try again */
	COALESCE_PLAIN, /* send what waits, and then this */
};

enum coalesce_verdict coalesce_add(struct coalesce *held, const uint8_t *frame, size_t len);
