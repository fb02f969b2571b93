/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/net-ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"

static socklen_t to_sockaddr(const struct net_addr *addr, uint16_t port,
                             struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (net_addr_is4(addr)) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, addr->b + 12, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr->b, 16);
	return sizeof(*in6);
}

static uint16_t bound_port(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)sa)->sin_port);
	return ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
}

static int bind_one(struct net_port *port)
{
	struct sockaddr_storage sa;
	socklen_t len = to_sockaddr(&port->addr, port->host_port, &sa);
	cleanup_fd int fd =
		socket(sa.ss_family, (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	/* [::] is not to take 0.0.0.0's port as well; TIME_WAIT is not to count as taken */
	if ((sa.ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    (!port->udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0))
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    (!port->udp && listen(fd, SOMAXCONN) < 0) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	port->host_port = bound_port(&sa);
	port->fd = steal_fd(&fd);
	return 0;
}

static int bind_publish(const struct plan_net_publish *publish, struct net_ports_bound *ret,
                        struct err *err)
{
	for (unsigned int i = 0; i < publish->spec.count; i++) {
		struct net_port *port = &ret->bound[ret->count];
		uint16_t first = publish->spec.host_first;
		int r;

		*port = (struct net_port){ .fd = -1,
			                   .udp = publish->spec.udp,
			                   .addr = publish->spec.addr,
			                   .host_port = first ? (uint16_t)(first + i) : 0,
			                   .guest_port =
			                           (uint16_t)(publish->spec.guest_first + i) };
		r = bind_one(port);
		if (r < 0)
			return err_text(err, -r, "publish '%s': bind port %u", publish->text,
			                port->host_port);
		ret->count++;
	}
	return 0;
}

int net_ports_bind(const struct plan *plan, struct net_ports_bound *ret, struct err *err)
{
	const struct vec *list = &plan->net.publish;
	size_t total = 0;
	int r = 0;

	for (size_t i = 0; i < list->len; i++)
		total += VEC_AT(list, struct plan_net_publish, i).spec.count;
	ret->bound = calloc(total + 1, sizeof(*ret->bound));
	if (!ret->bound)
		return err_text(err, ENOMEM, "publish");
	for (size_t i = 0; r == 0 && i < list->len; i++)
		r = bind_publish(&VEC_AT(list, struct plan_net_publish, i), ret, err);
	return r;
}

int net_ports_report(const struct plan *plan, const struct net_ports_bound *ports, struct err *err)
{
	int fd = plan->report.json_status_fd;
	cleanup_free char *text = NULL;
	size_t len;
	FILE *out;

	if (fd < 0 || ports->count == 0)
		return 0;
	out = open_memstream(&text, &len);
	if (!out)
		return err_text(err, ENOMEM, "publish");
	fputs("{ \"published\": [", out);
	for (size_t i = 0; i < ports->count; i++) {
		const struct net_port *port = &ports->bound[i];
		char addr[NET_ADDR_MAX];

		net_addr_format(&port->addr, addr);
		fprintf(out,
		        "%s { \"proto\": \"%s\", \"addr\": \"%s\", \"port\": %u, \"guest-port\": %u }",
		        i ? "," : "", port->udp ? "udp" : "tcp", addr, port->host_port,
		        port->guest_port);
	}
	fputs(" ] }\n", out);
	if (fclose(out) != 0)
		return err_text(err, ENOMEM, "publish");
	return write(fd, text, len) == (ssize_t)len
	               ? 0
	               : err_step(err, STEP_INFO_FD, errno, NULL, NULL);
}

void net_ports_done(struct net_ports_bound *ports)
{
	for (size_t i = 0; i < ports->count; i++)
		close(ports->bound[i].fd);
	free(ports->bound);
	*ports = (struct net_ports_bound){ 0 };
}
