/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's TCP connections over the device. Each ends here, and goes on as one of the host's:
 * the host side is connected first, and the sandbox hears what came of it. Segments are taken in
 * order only and the windows are as wide as the buffers, which is all that a link without a wire
 * needs; what is lost all the same is sent again (RFC 9293, RFC 6298's backing off).
 * libslirp could do this, too, with a window of 64 KiB, half of the speed, and one look at each
 * connection in each round.
 */
#pragma once

#include <stdint.h>

#include "core/parse-net.h"

struct engine;
struct err;
struct frame;
struct net_config;
struct tcp;

/* NULL: no memory. */
struct tcp *tcp_new(struct engine *engine, const struct net_config *config);
void tcp_free(struct tcp *tcp);

/* A frame of FRAME_TCP from the sandbox. */
void tcp_input(struct tcp *tcp, const struct frame *frame);

/* Connections to listener (bound; owned from now on, even if this fails) go to port of the
 * sandbox. 0 or -errno; unpublish: -ENOENT when there is none at addr:port. */
int tcp_publish(struct tcp *tcp, int listener, uint16_t guest_port, struct err *err);
int tcp_unpublish(struct tcp *tcp, const struct net_addr *addr, uint16_t port);

/* Sends the acknowledgements that a round has made due. */
void tcp_flush(struct tcp *tcp);

/* Lowers *timeout (ms) to the next look at the clock; does what is due. */
void tcp_prepare(struct tcp *tcp, int *timeout, int64_t now);
void tcp_tick(struct tcp *tcp, int64_t now);
