/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Datagrams and pings: one host socket for each source port (or echo identifier) of the sandbox,
 * the least recently used given up when there are too many. libslirp could do this, but keeps four
 * minutes for each and gives no way to end one.
 */
#pragma once

#include <stdint.h>

#include "core/parse-net.h"

struct engine;
struct err;
struct flows;
struct frame;
struct net_config;

/* NULL: no memory. */
struct flows *flows_new(struct engine *engine, const struct net_config *config);
void flows_free(struct flows *flows);

/* A frame of FRAME_UDP or FRAME_ECHO from the sandbox. */
void flows_input(struct flows *flows, const struct frame *frame);

/* Datagrams to the host socket fd (owned from now on) go to port of the sandbox, and its answers
 * come back from fd. 0 or -errno. */
int flows_publish(struct flows *flows, int fd, uint16_t guest_port, struct err *err);
int flows_unpublish(struct flows *flows, const struct net_addr *addr, uint16_t port);

/* Lowers *timeout (ms) to the next expiry; ends what has expired. */
void flows_prepare(struct flows *flows, int *timeout, int64_t now);
void flows_tick(struct flows *flows, int64_t now);
