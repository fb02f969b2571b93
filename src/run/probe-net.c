/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/probe-net.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/host.h"
#include "run/fds.h"
#include "run/resolvers.h"

enum { RTF_REJECT = 0x200 };

static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	size_t len;

	return fd < 0 || fds_read_all(fd, &text, &len) < 0 ? NULL : text;
}

/* proc(5), /proc/net/route: addresses are numbers of the machine's own byte order. */
static void take_route4(struct host_net *net, const char *line)
{
	struct net_cidr *route = &net->routes[net->n_routes];
	unsigned int dst;
	unsigned int flags;
	unsigned int mask;

	if (sscanf(line, "%*s %x %*x %x %*d %*d %*d %x", &dst, &flags, &mask) != 3)
		return;
	if (mask == 0) {
		net->v4_default |= !(flags & RTF_REJECT);
		return;
	}
	net_addr_parse("0.0.0.0", &route->addr);
	memcpy(route->addr.b + 12, &dst, sizeof(dst));
	route->prefix = NET_PREFIX4 + (unsigned int)__builtin_popcount(mask);
	net->n_routes++;
}

/* The kernel's own documentation of the columns: destination, prefix length, ..., flags, device. */
static void take_route6(struct host_net *net, const char *line)
{
	char dst[33];
	char device[32];
	unsigned int prefix;
	unsigned int flags;

	if (sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %x %31s", dst, &prefix, &flags, device) !=
	    4)
		return;
	if (prefix == 0 && !(flags & RTF_REJECT) && strspn(dst, "0") == 32 &&
	    strcmp(device, "lo") != 0)
		net->v6_default = true;
}

void probe_net(struct host_net *net)
{
	char *text = read_file("/proc/net/route");
	char *rest = text;
	char *line;

	*net = (struct host_net){ .unprivileged_port = 1024 };
	while (net->n_routes < HOST_ROUTES_MAX && (line = strsep(&rest, "\n")))
		take_route4(net, line);
	free(text);
	rest = text = read_file("/proc/net/ipv6_route");
	while ((line = strsep(&rest, "\n")))
		take_route6(net, line);
	free(text);
	net->n_dns = resolvers_read(net->dns, HOST_DNS_MAX);
	text = read_file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
	if (text)
		(void)sscanf(text, "%u", &net->unprivileged_port);
	free(text);
}
