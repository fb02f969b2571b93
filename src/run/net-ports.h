/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's side of published ports, bound before anything runs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/parse-net.h"

struct plan;

struct net_port {
	int fd; /* bound; listening, if TCP */
	bool udp;
	struct net_addr addr;
	uint16_t host_port; /* the one that was got, if 0 was asked for */
	uint16_t guest_port;
};

struct net_ports_bound {
	struct net_port *bound;
	size_t count;
};

/* Binds them all: 0, or -errno with the one that could not be had. */
int net_ports_bind(const struct plan *plan, struct net_ports_bound *ret, struct err *err);

/* Writes them to --json-status-fd, if there is one and something is published. */
int net_ports_report(const struct plan *plan, const struct net_ports_bound *ports, struct err *err);

/* Closes our copies. */
void net_ports_done(struct net_ports_bound *ports);
