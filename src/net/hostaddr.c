/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/hostaddr.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/vec.h"
#include "net/engine.h"
#include "net/policy.h"
#include "net/sys.h"

struct hostaddr {
	struct source changes; /* first: a socket that hears of changes */
	int dump;              /* a socket to ask on */
	struct vec own;        /* of struct net_addr */
	int failed; /* -errno of one that could not be kept; the answer is read to its end */
};

static int netlink_socket(uint32_t groups)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (void *)&sa, sizeof(sa)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static void take_address(struct hostaddr *hostaddr, const struct nlmsghdr *head)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(head);
	int left = (int)IFA_PAYLOAD(head);
	struct net_addr addr = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };
	bool local = false;

	for (const struct rtattr *attr = IFA_RTA(ifa); RTA_OK(attr, left);
	     attr = RTA_NEXT(attr, left)) {
		/* on a point-to-point link IFA_ADDRESS is the other end, IFA_LOCAL is ours */
		if (attr->rta_type != IFA_LOCAL && (attr->rta_type != IFA_ADDRESS || local))
			continue;
		local = attr->rta_type == IFA_LOCAL;
		if (ifa->ifa_family == AF_INET && RTA_PAYLOAD(attr) == 4)
			memcpy(addr.b + 12, RTA_DATA(attr), 4);
		else if (ifa->ifa_family == AF_INET6 && RTA_PAYLOAD(attr) == 16)
			memcpy(addr.b, RTA_DATA(attr), 16);
	}
	if (vec_add(&hostaddr->own, &addr) < 0)
		hostaddr->failed = -ENOMEM;
}

/* Takes one datagram of an answer: 1 when it was the last, 0 when not, or -errno. */
static int take_part(struct hostaddr *hostaddr, char *buf, size_t size)
{
	ssize_t n = recv(hostaddr->dump, buf, size, 0);
	unsigned int left = (unsigned int)n;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (const struct nlmsghdr *head = (void *)buf; NLMSG_OK(head, left);
	     head = NLMSG_NEXT(head, left)) {
		if (head->nlmsg_type == NLMSG_DONE)
			return 1;
		if (head->nlmsg_type == NLMSG_ERROR)
			return -EPROTO;
		if (head->nlmsg_type == RTM_NEWADDR)
			take_address(hostaddr, head);
	}
	return 0;
}

static int read_addresses(struct engine *engine, struct hostaddr *hostaddr)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg ifa;
	} request = { .head = { .nlmsg_len = sizeof(request),
		                .nlmsg_type = RTM_GETADDR,
		                .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	char buf[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	int r;

	hostaddr->own.len = 0;
	hostaddr->failed = 0;
	if (sendto_now(hostaddr->dump, &request, sizeof(request), NULL, 0) < 0)
		return -errno;
	do {
		r = take_part(hostaddr, buf, sizeof(buf));
	} while (r == 0);
	if (r < 0 || hostaddr->failed < 0)
		return r < 0 ? r : hostaddr->failed;
	return policy_set_own(engine->policy, hostaddr->own.items, hostaddr->own.len);
}

static void changes_ready(struct engine *engine, struct source *source, uint32_t events)
{
	char buf[8192];

	(void)events;
	while (recv(source->fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	/* what could not be read stays as it was: the old list denies no less */
	(void)read_addresses(engine, (struct hostaddr *)source);
}

int hostaddr_new(struct engine *engine, struct hostaddr **ret)
{
	struct hostaddr *hostaddr = calloc(1, sizeof(*hostaddr));
	int r = -ENOMEM;

	if (!hostaddr)
		goto out;
	hostaddr->own = VEC_INIT(struct net_addr);
	hostaddr->changes.ready = changes_ready;
	hostaddr->changes.fd = netlink_socket(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	hostaddr->dump = netlink_socket(0);
	r = hostaddr->changes.fd < 0 ? hostaddr->changes.fd : hostaddr->dump;
	if (r >= 0)
		r = read_addresses(engine, hostaddr);
	if (r >= 0)
		r = engine_watch(engine, &hostaddr->changes, EPOLLIN);
	if (r >= 0) {
		*ret = hostaddr;
		return 0;
	}
	hostaddr_free(hostaddr);
out:
	errno = -r;
	return r;
}

void hostaddr_free(struct hostaddr *hostaddr)
{
	if (!hostaddr)
		return;
	if (hostaddr->changes.fd >= 0)
		close(hostaddr->changes.fd);
	if (hostaddr->dump >= 0)
		close(hostaddr->dump);
	vec_free(&hostaddr->own);
	free(hostaddr);
}
