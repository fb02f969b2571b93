/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sandbox's network of the tests of single frames. */
#pragma once

#include <string.h>

#include "net/filter.h"

static inline struct net_link make_link(void)
{
	static const uint8_t mac[6] = { 0x52, 0x55, 0x0a, 0, 2, 0x64 };
	struct net_link link = { .mtu = 1500, .v6 = true };

	net_cidr_parse("10.0.2.0/24", &link.net4);
	net_cidr_parse("fd00:1:2:3::/64", &link.net6);
	link.host4 = net_cidr_host(&link.net4, 2);
	link.dns4 = net_cidr_host(&link.net4, 3);
	link.guest4 = net_cidr_host(&link.net4, 100);
	link.host6 = net_cidr_host(&link.net6, 2);
	link.dns6 = net_cidr_host(&link.net6, 3);
	link.guest6 = net_cidr_host(&link.net6, 100);
	memcpy(link.mac, mac, 6);
	return link;
}
