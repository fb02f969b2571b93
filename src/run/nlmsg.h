/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Netlink messages: built in a fixed buffer, sent, and their acknowledgements read. Serves
 * rtnetlink(7) and nfnetlink alike. A message that outgrows the buffer makes every later call,
 * and the exchange, fail with -EMSGSIZE.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { NLMSG_BUF = 8192 };

struct nlmsg {
	size_t len;   /* of all messages */
	size_t start; /* of the one under construction */
	uint32_t seq;
	unsigned int acks; /* how many were asked for */
	int broken;
	char buf[NLMSG_BUF] __attribute__((aligned(8)));
};

/* Empties the buffer. */
void nlmsg_reset(struct nlmsg *msg);

/* Starts another message with a family header of size bytes; flags as NLM_F_*, NLM_F_REQUEST added.
 */
void nlmsg_begin(struct nlmsg *msg, uint16_t type, uint16_t flags, const void *head, size_t size);

/* Adds an attribute to the current message. */
void nlmsg_put(struct nlmsg *msg, uint16_t type, const void *data, size_t size);
void nlmsg_put_raw(struct nlmsg *msg, const void *data, size_t size); /* without a header */
void nlmsg_put_u32(struct nlmsg *msg, uint16_t type, uint32_t value);
void nlmsg_put_be32(struct nlmsg *msg, uint16_t type, uint32_t value);
void nlmsg_put_str(struct nlmsg *msg, uint16_t type, const char *text);

/* Opens an attribute that holds others; what it returns goes to nlmsg_nest_end(). */
size_t nlmsg_nest(struct nlmsg *msg, uint16_t type);
void nlmsg_nest_end(struct nlmsg *msg, size_t nest);

/* Sends the buffer on fd and reads until every acknowledgement is there: 0, or the first -errno. */
int nlmsg_exchange(struct nlmsg *msg, int fd);

/* A netlink socket of that protocol: a descriptor or -errno. */
int nlmsg_socket(int protocol);
