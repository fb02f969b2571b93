/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct host_net;

/* Looks at the host's routes, resolver and port range. What cannot be read stays empty: the sandbox
 * then has no IPv6, or no name server, which the payload is told. */
void probe_net(struct host_net *net);
