/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

struct host_net;
struct net_addr;

/* Looks at the host's routes, resolver and port range. What cannot be read stays empty: the sandbox
 * then has no IPv6, or no name server, which the payload is told. */
void probe_net(struct host_net *net);

/* The host's name servers as they are now, at most max: how many. */
size_t probe_resolvers(struct net_addr *ret, size_t max);
