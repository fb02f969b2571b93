/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DNS messages (RFC 1035), as much of them as a forwarder has to understand. Pure and total: any
 * bytes may come in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/net-rule.h"

enum {
	DNS_HEAD_LEN = 12,
	DNS_RCODE_SERVFAIL = 2,
	DNS_RCODE_REFUSED = 5,
};

struct dns_question {
	uint16_t id;
	uint16_t type;
	char name[NET_NAME_MAX]; /* lower case; a byte that no rule can name becomes '?' */
	size_t end;              /* where the question ends in the message */
};

/* Reads the header and the one question: 0, or -EBADMSG. */
int dns_read_question(const uint8_t *msg, size_t len, bool reply, struct dns_question *ret);

/* Whether reply answers query: same question, byte for byte but for letter case. */
bool dns_same_question(const uint8_t *query, size_t query_len, const uint8_t *reply,
                       size_t reply_len);

unsigned int dns_rcode(const uint8_t *msg);

/* Calls found() for every address in the answers: 0, -EBADMSG, or the first negative number that
 * found() returns. */
int dns_each_address(const uint8_t *msg, size_t len,
                     int (*found)(void *data, const struct net_addr *addr, uint32_t ttl),
                     void *data);

/* Turns a query into an answer without records, in place: the new length. */
size_t dns_make_reply(uint8_t *msg, const struct dns_question *question, unsigned int rcode);
