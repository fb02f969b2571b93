/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's resolver, at the third address of its network: forwards what the policy lets it
 * look up to the host's servers in turn, remembers the answers for rules by name, and refuses
 * answers that point where no rule allows (rebinding).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct dns;
struct engine;
struct frame;
struct net_config;

/* NULL: no memory. Uses the config's servers; without any, every question gets SERVFAIL. */
struct dns *dns_new(struct engine *engine, const struct net_config *config);
void dns_free(struct dns *dns);

/* From now on asks on fd (taken over) whether the servers have changed: 0 or -errno. */
int dns_follow(struct dns *dns, int fd);

/* A datagram for port 53 of the resolver's address. */
void dns_datagram(struct dns *dns, const struct frame *frame);

/* A TCP connection to it: the other end of a socket pair, or -errno. */
int dns_take_stream(struct dns *dns);

/* Lowers *timeout (ms) to the next deadline; does what is due. */
void dns_prepare(struct dns *dns, int *timeout, int64_t now);
void dns_tick(struct dns *dns, int64_t now);
