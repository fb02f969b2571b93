/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/nlmsg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void nlmsg_reset(struct nlmsg *msg)
{
	msg->len = 0;
	msg->start = 0;
	msg->acks = 0;
	msg->broken = 0;
}

/* Room for size bytes, zeroed up to the alignment; NULL when the buffer is full. */
static void *room(struct nlmsg *msg, size_t size)
{
	size_t aligned = NLMSG_ALIGN(size);
	void *at = msg->buf + msg->len;

	if (msg->broken || aligned > sizeof(msg->buf) - msg->len) {
		msg->broken = 1;
		return NULL;
	}
	memset(at, 0, aligned);
	msg->len += aligned;
	((struct nlmsghdr *)(void *)(msg->buf + msg->start))->nlmsg_len =
		(uint32_t)(msg->len - msg->start);
	return at;
}

void nlmsg_begin(struct nlmsg *msg, uint16_t type, uint16_t flags, const void *head, size_t size)
{
	struct nlmsghdr *nlh;
	void *family;

	msg->start = msg->len;
	nlh = room(msg, sizeof(*nlh));
	if (!nlh)
		return;
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags | NLM_F_REQUEST;
	nlh->nlmsg_seq = ++msg->seq;
	if (flags & NLM_F_ACK)
		msg->acks++;
	family = room(msg, size);
	if (family)
		memcpy(family, head, size);
}

void nlmsg_put(struct nlmsg *msg, uint16_t type, const void *data, size_t size)
{
	struct nlattr *attr = room(msg, NLA_HDRLEN + size);

	if (!attr)
		return;
	attr->nla_type = type;
	attr->nla_len = (uint16_t)(NLA_HDRLEN + size);
	if (size)
		memcpy((char *)attr + NLA_HDRLEN, data, size);
}

void nlmsg_put_raw(struct nlmsg *msg, const void *data, size_t size)
{
	void *at = room(msg, size);

	if (at)
		memcpy(at, data, size);
}

void nlmsg_put_u32(struct nlmsg *msg, uint16_t type, uint32_t value)
{
	nlmsg_put(msg, type, &value, sizeof(value));
}

void nlmsg_put_be32(struct nlmsg *msg, uint16_t type, uint32_t value)
{
	nlmsg_put_u32(msg, type, htonl(value));
}

void nlmsg_put_str(struct nlmsg *msg, uint16_t type, const char *text)
{
	nlmsg_put(msg, type, text, strlen(text) + 1);
}

size_t nlmsg_nest(struct nlmsg *msg, uint16_t type)
{
	size_t at = msg->len;

	nlmsg_put(msg, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void nlmsg_nest_end(struct nlmsg *msg, size_t nest)
{
	struct nlattr *attr = (void *)(msg->buf + nest);

	if (!msg->broken)
		attr->nla_len = (uint16_t)(msg->len - nest);
}

/* Reads one datagram of answers: how many acknowledgements were in it, or -errno. */
static int read_acks(int fd)
{
	char buf[8192] __attribute__((aligned(8)));
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	unsigned int left = (unsigned int)n;
	int acks = 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (const struct nlmsghdr *head = (void *)buf; NLMSG_OK(head, left);
	     head = NLMSG_NEXT(head, left)) {
		const struct nlmsgerr *answer = NLMSG_DATA(head);

		if (head->nlmsg_type != NLMSG_ERROR)
			continue;
		if (answer->error < 0)
			return answer->error;
		acks++;
	}
	return acks;
}

int nlmsg_exchange(struct nlmsg *msg, int fd)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	unsigned int seen = 0;

	if (msg->broken)
		return -EMSGSIZE;
	if (sendto(fd, msg->buf, msg->len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	while (seen < msg->acks) {
		int r = read_acks(fd);

		if (r < 0)
			return r;
		seen += (unsigned int)r;
	}
	return 0;
}

int nlmsg_socket(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}
