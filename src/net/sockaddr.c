/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

int sockaddr_from(const struct sockaddr *sa, struct net_addr *ret, unsigned short *ret_port)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		*ret = (struct net_addr){ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };
		memcpy(ret->b + 12, &in->sin_addr, 4);
		*ret_port = ntohs(in->sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		memcpy(ret->b, &in6->sin6_addr, 16);
		*ret_port = ntohs(in6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

socklen_t sockaddr_to(const struct net_addr *addr, unsigned short port,
                      struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (net_addr_is4(addr)) {
		struct sockaddr_in *in = (void *)ret;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, addr->b + 12, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (void *)ret;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr->b, 16);
	return sizeof(*in6);
}
