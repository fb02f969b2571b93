/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A question over UDP has one slot and one socket, connected to one server at a time, with an
 * identifier and a port of its own, so that an answer can't be guessed from outside. A question
 * over TCP is a stream (dns-stream.c) whose messages pass the same two checks, dns_admit() and
 * dns_vet().
 */
#include "net/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "core/cleanup.h"
#include "net/config.h"
#include "net/dns-private.h"
#include "net/engine.h"
#include "net/log.h"
#include "net/policy.h"
#include "net/sockaddr.h"
#include "net/sys.h"

enum {
	QUERIES_MAX = 128,
	QUERY_LEN_MAX = 1232,
	TRY_MS = 1500,
	ROUNDS = 2,
};

struct query {
	struct source source; /* first, so that a source is its query; fd 0: a free slot */
	struct net_addr client;
	struct net_addr server; /* the address the sandbox asked */
	uint16_t client_port;
	uint16_t client_id;
	unsigned int tries;
	int64_t deadline;
	size_t len;
	uint8_t msg[QUERY_LEN_MAX];
};

struct dns *dns_new(struct engine *engine, const struct net_config *config)
{
	struct dns *dns = calloc(1, sizeof(*dns));

	if (!dns)
		return NULL;
	dns->queries = calloc(QUERIES_MAX, sizeof(*dns->queries));
	if (!dns->queries) {
		free(dns);
		return NULL;
	}
	dns->engine = engine;
	memcpy(dns->servers, config->dns, sizeof(dns->servers));
	dns->servers_count = config->dns_count;
	return dns;
}

static void query_close(struct dns *dns, struct query *query)
{
	engine_unwatch(dns->engine, &query->source);
	close(query->source.fd);
	query->source.fd = 0;
	dns->live--;
}

void dns_free(struct dns *dns)
{
	if (!dns)
		return;
	for (size_t i = 0; i < QUERIES_MAX; i++) {
		if (dns->queries[i].source.fd > 0)
			query_close(dns, &dns->queries[i]);
	}
	if (dns->ask.fd > 0)
		close(dns->ask.fd);
	dns_streams_free(dns);
	free(dns->queries);
	free(dns);
}

bool dns_admit(struct dns *dns, const struct dns_question *question)
{
	if (policy_name_allowed(dns->engine->policy, question->name))
		return true;
	netlog_name(dns->engine->log, question->name, NULL, "rule");
	return false;
}

struct vetting {
	struct dns *dns;
	const char *name;
	bool pin;
};

static int vet_address(void *data, const struct net_addr *addr, uint32_t ttl)
{
	const struct vetting *vetting = data;
	struct engine *engine = vetting->dns->engine;

	if (vetting->pin) {
		policy_pin(engine->policy, vetting->name, addr, ttl, clock_ms() / 1000);
		return 0;
	}
	if (policy_answer_allowed(engine->policy, addr))
		return 0;
	netlog_name(engine->log, vetting->name, addr, "rebinding");
	return -EPERM;
}

bool dns_vet(struct dns *dns, const struct dns_question *question, const uint8_t *msg, size_t len)
{
	struct vetting vetting = { .dns = dns, .name = question->name };

	/* all of it first: one bad address spoils the answer */
	if (dns_each_address(msg, len, vet_address, &vetting) < 0)
		return false;
	vetting.pin = true;
	dns_each_address(msg, len, vet_address, &vetting);
	return true;
}

/* Sends len bytes that lie in the engine's buffer behind the headers. */
static void answer(struct dns *dns, const struct query *query, size_t len)
{
	struct packet_path path = {
		.src = query->server, .sport = 53, .dst = query->client, .dport = query->client_port
	};

	engine_send_packet(dns->engine, &path, PROTO_UDP, dns->engine->out + PACKET_HEAD_MAX, len);
}

static void answer_error(struct dns *dns, const struct query *query, unsigned int rcode)
{
	uint8_t *at = dns->engine->out + PACKET_HEAD_MAX;
	struct dns_question question;

	memcpy(at, query->msg, query->len);
	if (dns_read_question(at, query->len, false, &question) < 0)
		return;
	at[0] = (uint8_t)(query->client_id >> 8);
	at[1] = (uint8_t)query->client_id;
	answer(dns, query, dns_make_reply(at, &question, rcode));
}

static void query_ready(struct engine *engine, struct source *source, uint32_t events);

/* Asks the next server: 0, or -errno when there is none left. */
static int query_send(struct dns *dns, struct query *query)
{
	struct sockaddr_storage sa;

	while (query->tries < dns->servers_count * ROUNDS) {
		const struct net_addr *server = &dns->servers[query->tries++ % dns->servers_count];
		socklen_t len = sockaddr_to(server, 53, &sa);
		int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			return -errno;
		if (getrandom(query->msg, 2, 0) != 2 || connect(fd, (void *)&sa, len) < 0 ||
		    sendto_now(fd, query->msg, query->len, NULL, 0) < 0) {
			close(fd);
			continue;
		}
		query->source = (struct source){ .fd = fd, .ready = query_ready };
		query->deadline = clock_ms() + TRY_MS;
		dns->live++;
		if (engine_watch(dns->engine, &query->source, EPOLLIN) == 0)
			return 0;
		query_close(dns, query);
	}
	return -ETIMEDOUT;
}

static void query_next(struct dns *dns, struct query *query)
{
	query_close(dns, query);
	if (query_send(dns, query) < 0)
		answer_error(dns, query, DNS_RCODE_SERVFAIL);
}

static void query_ready(struct engine *engine, struct source *source, uint32_t events)
{
	struct query *query = (struct query *)source;
	struct dns *dns = engine->dns;
	uint8_t *at = dns->engine->out + PACKET_HEAD_MAX;
	struct dns_question question;
	ssize_t n = recv(source->fd, at, 65535 - UDP_LEN - IP4_LEN, MSG_DONTWAIT);

	(void)events;
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			query_next(dns, query);
		return;
	}
	if (n < DNS_HEAD_LEN || memcmp(at, query->msg, 2) != 0 ||
	    !dns_same_question(query->msg, query->len, at, (size_t)n))
		return; /* not ours: wait on */
	if ((dns_rcode(at) == DNS_RCODE_SERVFAIL || dns_rcode(at) == DNS_RCODE_REFUSED) &&
	    query->tries < dns->servers_count) {
		query_next(dns, query);
		return;
	}
	dns_read_question(at, (size_t)n, true, &question);
	if (dns_vet(dns, &question, at, (size_t)n)) {
		at[0] = (uint8_t)(query->client_id >> 8);
		at[1] = (uint8_t)query->client_id;
		answer(dns, query, (size_t)n);
	} else {
		answer_error(dns, query, DNS_RCODE_REFUSED);
	}
	query_close(dns, query);
}

static struct query *query_slot(struct dns *dns)
{
	struct query *oldest = &dns->queries[0];

	for (size_t i = 0; i < QUERIES_MAX; i++) {
		struct query *query = &dns->queries[i];

		if (query->source.fd == 0)
			return query;
		if (query->deadline < oldest->deadline)
			oldest = query;
	}
	query_close(dns, oldest);
	return oldest;
}

void dns_datagram(struct dns *dns, const struct frame *frame)
{
	struct dns_question question;
	struct query *query;

	if (frame->payload_len > QUERY_LEN_MAX ||
	    dns_read_question(frame->payload, frame->payload_len, false, &question) < 0)
		return;
	query = query_slot(dns);
	query->client = frame->src;
	query->server = frame->dst;
	query->client_port = frame->sport;
	query->client_id = question.id;
	query->tries = 0;
	query->len = frame->payload_len;
	memcpy(query->msg, frame->payload, query->len);
	dns_ask_servers(dns);
	if (!dns_admit(dns, &question))
		answer_error(dns, query, DNS_RCODE_REFUSED);
	else if (query_send(dns, query) < 0)
		answer_error(dns, query, DNS_RCODE_SERVFAIL);
}

void dns_prepare(struct dns *dns, int *timeout, int64_t now)
{
	dns_streams_prepare(dns, timeout, now);
	for (size_t i = 0; dns->live && i < QUERIES_MAX; i++) {
		const struct query *query = &dns->queries[i];

		if (query->source.fd > 0)
			dns_lower(timeout, query->deadline - now);
	}
}

void dns_tick(struct dns *dns, int64_t now)
{
	dns_streams_tick(dns, now);
	for (size_t i = 0; dns->live && i < QUERIES_MAX; i++) {
		struct query *query = &dns->queries[i];

		if (query->source.fd > 0 && query->deadline <= now)
			query_next(dns, query);
	}
}
