/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What dns.c and dns-stream.c share. */
#pragma once

#include "core/parse-net.h"
#include "net/config.h"
#include "net/dns-msg.h"
#include "net/engine.h"

struct query;
struct stream;

enum { DNS_STREAMS_MAX = 16 };

struct dns {
	struct engine *engine;
	struct net_addr servers[NET_DNS_MAX];
	size_t servers_count;
	struct source ask; /* where to ask for the servers; fd 0: nowhere */
	int64_t ask_next;  /* and not before */
	struct query *queries;
	size_t live; /* queries under way */
	struct stream *streams[DNS_STREAMS_MAX];
};

/* Before a question is asked: have the host's servers changed? The answer is taken when it comes;
 * what is asked until then goes to the old ones, and after a while to the new ones. */
void dns_ask_servers(struct dns *dns);

/* Whether the policy lets this name be looked up (logs a denial). */
bool dns_admit(struct dns *dns, const struct dns_question *question);

/* Whether an answer may be handed on; if so its addresses are remembered. */
bool dns_vet(struct dns *dns, const struct dns_question *question, const uint8_t *msg, size_t len);

/* Lowers a timeout to left ms, but not below 0. */
static inline void dns_lower(int *timeout, int64_t left)
{
	if (left < 0)
		left = 0;
	if (*timeout < 0 || *timeout > left)
		*timeout = (int)left;
}

void dns_streams_free(struct dns *dns);
void dns_streams_prepare(struct dns *dns, int *timeout, int64_t now);
void dns_streams_tick(struct dns *dns, int64_t now);
