/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/parse-net.h"
#include "net/sys.h"

/* libslirp's calls carry no context, so this is the one thing the helper keeps in a variable. */
static struct {
	const struct gate_ops *ops;
	void *data;
	size_t max;
	size_t live;
	int offered;
	int adopted;
	struct gate_calls calls;
	uint64_t owned[GATE_FD_MAX / 64]; /* what libslirp got here, and so may close */
} gate = { .offered = -1, .adopted = -1 };

static bool owned(int fd)
{
	return fd >= 0 && fd < GATE_FD_MAX && gate.owned[fd / 64] >> (fd % 64) & 1;
}

/* Takes a new socket into the books: the descriptor, or -1 with errno when it is one too many. */
static int own(int fd)
{
	if (fd < 0)
		return fd;
	if (gate.live >= gate.max || fd >= GATE_FD_MAX) {
		sys_close(fd);
		errno = EMFILE;
		return -1;
	}
	gate.owned[fd / 64] |= (uint64_t)1 << (fd % 64);
	gate.live++;
	return fd;
}

void gate_install(const struct gate_ops *ops, void *data, size_t sockets_max)
{
	gate.ops = ops;
	gate.data = data;
	gate.max = sockets_max;
}

void gate_offer_listener(int fd)
{
	gate.offered = fd;
}

size_t gate_connections(void)
{
	return gate.live;
}

struct gate_calls gate_calls(void)
{
	return gate.calls;
}

int gate_sockaddr_from(const struct sockaddr *sa, struct net_addr *ret, unsigned short *ret_port)
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

socklen_t gate_sockaddr_to(const struct net_addr *addr, unsigned short port,
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

static int refuse(int num)
{
	errno = num;
	return -1;
}

int socket(int domain, int type, int protocol)
{
	int fd = gate.offered;

	if (!gate.ops) /* libslirp is not there yet; somebody else needs a socket */
		return sys_socket(domain, type, protocol);
	gate.calls.socket++;
	if (fd >= 0) {
		gate.offered = -1;
		gate.adopted = fd;
		return fd;
	}
	if ((domain != AF_INET && domain != AF_INET6) || (type & 0xf) != SOCK_STREAM)
		return refuse(EACCES);
	return own(sys_socket(domain, type | SOCK_CLOEXEC, protocol));
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	gate.calls.connect++;
	if (!gate.ops)
		return refuse(EACCES);
	return gate.ops->connect(gate.data, fd, addr, len);
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	gate.calls.bind++;
	if (fd == gate.adopted)
		return 0;
	return sys_bind(fd, addr, len);
}

int setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen)
{
	/* too late for a socket that is bound, and settled by whoever bound it */
	if (fd == gate.adopted && level == IPPROTO_IPV6 && optname == IPV6_V6ONLY)
		return 0;
	return (int)syscall(SYS_setsockopt, fd, level, optname, optval, optlen);
}

int listen(int fd, int n)
{
	(void)n;
	gate.calls.listen++;
	if (fd != gate.adopted)
		return refuse(EACCES);
	gate.adopted = -1;
	return 0; /* it listens already, with a backlog of our choice */
}

int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return own(accept4(fd, addr, len, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

/* The main thread of the whole process closes through here; only libslirp's own are counted. */
int close(int fd)
{
	if (owned(fd)) {
		gate.calls.close++;
		gate.owned[fd / 64] &= ~((uint64_t)1 << (fd % 64));
		gate.live--;
	}
	if (fd >= 0 && gate.ops)
		gate.ops->closed(gate.data, fd);
	return sys_close(fd);
}
