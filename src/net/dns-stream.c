/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions over TCP: one at a time per connection, each over a connection of its own to a server.
 * Reading and writing alternate strictly, so one buffer does:
 *
 *	CLIENT_READ -> SERVER_WRITE -> SERVER_READ -> CLIENT_WRITE -> CLIENT_READ ...
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "net/dns-private.h"
#include "net/dns.h"
#include "net/engine.h"
#include "net/sockaddr.h"
#include "net/sys.h"

enum {
	STREAM_BUF = 2 + 65535,
	SERVER_MS = 4000,
	CLIENT_MS = 20000,
};

enum stage {
	CLIENT_READ,
	SERVER_WRITE,
	SERVER_READ,
	CLIENT_WRITE,
};

struct stream {
	struct source source; /* of whichever side is waited for */
	int client;
	int server; /* -1: none */
	enum stage stage;
	unsigned int tries;
	int64_t deadline;
	size_t done; /* bytes of buf read or written so far */
	size_t query_len;
	uint8_t query[2 + 512]; /* with its length in front, to compare and to ask again */
	uint8_t buf[STREAM_BUF];
};

static void stream_close(struct dns *dns, struct stream *stream)
{
	engine_unwatch(dns->engine, &stream->source);
	close(stream->client);
	if (stream->server >= 0)
		close(stream->server);
	for (size_t i = 0; i < DNS_STREAMS_MAX; i++) {
		if (dns->streams[i] == stream)
			dns->streams[i] = NULL;
	}
	free(stream);
}

static void stream_ready(struct engine *engine, struct source *source, uint32_t events);

/* Waits for one side. On failure the stream is gone. */
static int stream_wait(struct dns *dns, struct stream *stream, enum stage stage)
{
	bool server = stage == SERVER_WRITE || stage == SERVER_READ;

	engine_unwatch(dns->engine, &stream->source);
	stream->stage = stage;
	if (stage != SERVER_WRITE)
		stream->deadline = clock_ms() + (server ? SERVER_MS : CLIENT_MS);
	stream->source.fd = server ? stream->server : stream->client;
	if (stage == CLIENT_READ || stage == SERVER_READ)
		stream->done = 0;
	return engine_watch(dns->engine, &stream->source,
	                    stage == CLIENT_READ || stage == SERVER_READ ? EPOLLIN : EPOLLOUT);
}

static size_t msg_len(const uint8_t *buf)
{
	return (size_t)(buf[0] << 8 | buf[1]);
}

static void set_msg_len(uint8_t *buf, size_t len)
{
	buf[0] = (uint8_t)(len >> 8);
	buf[1] = (uint8_t)len;
}

/* Answers the client without records. */
static int stream_error(struct dns *dns, struct stream *stream, unsigned int rcode)
{
	struct dns_question question;

	memcpy(stream->buf, stream->query, stream->query_len);
	if (dns_read_question(stream->buf + 2, stream->query_len - 2, false, &question) < 0)
		return -EBADMSG;
	set_msg_len(stream->buf, dns_make_reply(stream->buf + 2, &question, rcode));
	stream->done = 0;
	return stream_wait(dns, stream, CLIENT_WRITE);
}

/* Connects to the next server, or tells the client that there is none left. */
static int stream_ask(struct dns *dns, struct stream *stream)
{
	struct sockaddr_storage sa;

	engine_unwatch(dns->engine, &stream->source);
	if (stream->server >= 0)
		close(stream->server);
	stream->server = -1;
	while (stream->tries < dns->servers_count) {
		socklen_t len = sockaddr_to(&dns->servers[stream->tries++], 53, &sa);
		int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			return -errno;
		if (connect(fd, (void *)&sa, len) < 0 && errno != EINPROGRESS) {
			close(fd);
			continue;
		}
		stream->server = fd;
		stream->deadline = clock_ms() + SERVER_MS;
		memcpy(stream->buf, stream->query, stream->query_len);
		stream->done = 0;
		return stream_wait(dns, stream, SERVER_WRITE);
	}
	return stream_error(dns, stream, DNS_RCODE_SERVFAIL);
}

/* A whole message has come from the client. */
static int stream_question(struct dns *dns, struct stream *stream)
{
	size_t len = msg_len(stream->buf);
	struct dns_question question;

	if (len + 2 > sizeof(stream->query) ||
	    dns_read_question(stream->buf + 2, len, false, &question) < 0)
		return -EBADMSG;
	stream->query_len = len + 2;
	memcpy(stream->query, stream->buf, stream->query_len);
	stream->tries = 0;
	dns_ask_servers(dns);
	if (!dns_admit(dns, &question))
		return stream_error(dns, stream, DNS_RCODE_REFUSED);
	return stream_ask(dns, stream);
}

/* A whole message has come from the server. */
static int stream_answer(struct dns *dns, struct stream *stream)
{
	uint8_t *msg = stream->buf + 2;
	size_t len = msg_len(stream->buf);
	struct dns_question question;

	if (len < DNS_HEAD_LEN || memcmp(msg, stream->query + 2, 2) != 0 ||
	    !dns_same_question(stream->query + 2, stream->query_len - 2, msg, len))
		return stream_ask(dns, stream);
	dns_read_question(msg, len, true, &question);
	if (!dns_vet(dns, &question, msg, len))
		return stream_error(dns, stream, DNS_RCODE_REFUSED);
	stream->done = 0;
	return stream_wait(dns, stream, CLIENT_WRITE);
}

/* Reads on: 1 when the message is whole, 0 when not yet, or -errno. */
static int stream_fill(struct stream *stream, int fd)
{
	size_t want = stream->done < 2 ? 2 : 2 + msg_len(stream->buf);
	ssize_t n = recv(fd, stream->buf + stream->done, want - stream->done, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	stream->done += (size_t)n;
	return stream->done >= 2 && stream->done == 2 + msg_len(stream->buf);
}

static int stream_drain(struct stream *stream, int fd)
{
	size_t len = 2 + msg_len(stream->buf);
	ssize_t n = send(fd, stream->buf + stream->done, len - stream->done,
	                 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	stream->done += (size_t)n;
	return stream->done == len;
}

static int stream_step(struct dns *dns, struct stream *stream)
{
	int r = 0;

	switch (stream->stage) {
	case CLIENT_READ:
		r = stream_fill(stream, stream->client);
		return r == 1 ? stream_question(dns, stream) : r;
	case SERVER_WRITE:
		r = stream_drain(stream, stream->server);
		if (r < 0)
			return stream_ask(dns, stream);
		return r == 1 ? stream_wait(dns, stream, SERVER_READ) : 0;
	case SERVER_READ:
		r = stream_fill(stream, stream->server);
		if (r < 0)
			return stream_ask(dns, stream);
		return r == 1 ? stream_answer(dns, stream) : 0;
	case CLIENT_WRITE:
		r = stream_drain(stream, stream->client);
		return r == 1 ? stream_wait(dns, stream, CLIENT_READ) : r;
	}
	return r;
}

static void stream_ready(struct engine *engine, struct source *source, uint32_t events)
{
	struct stream *stream = (struct stream *)source;

	(void)events;
	if (stream_step(engine->dns, stream) < 0)
		stream_close(engine->dns, stream);
}

int dns_take_stream(struct dns *dns)
{
	struct stream *stream = NULL;
	size_t slot = 0;
	int pair[2];

	while (slot < DNS_STREAMS_MAX && dns->streams[slot])
		slot++;
	if (slot < DNS_STREAMS_MAX)
		stream = malloc(sizeof(*stream));
	if (!stream ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		free(stream);
		return -ECONNREFUSED;
	}
	*stream = (struct stream){ .source = { .fd = -1, .ready = stream_ready },
		                   .client = pair[1],
		                   .server = -1 };
	dns->streams[slot] = stream;
	if (stream_wait(dns, stream, CLIENT_READ) < 0) {
		close(pair[0]);
		stream_close(dns, stream);
		return -ECONNREFUSED;
	}
	return pair[0];
}

void dns_streams_free(struct dns *dns)
{
	for (size_t i = 0; i < DNS_STREAMS_MAX; i++) {
		if (dns->streams[i])
			stream_close(dns, dns->streams[i]);
	}
}

void dns_streams_prepare(struct dns *dns, int *timeout, int64_t now)
{
	for (size_t i = 0; i < DNS_STREAMS_MAX; i++) {
		if (dns->streams[i])
			dns_lower(timeout, dns->streams[i]->deadline - now);
	}
}

void dns_streams_tick(struct dns *dns, int64_t now)
{
	for (size_t i = 0; i < DNS_STREAMS_MAX; i++) {
		struct stream *stream = dns->streams[i];

		if (!stream || stream->deadline > now)
			continue;
		if (stream->stage == SERVER_WRITE || stream->stage == SERVER_READ) {
			if (stream_ask(dns, stream) == 0)
				continue;
		}
		stream_close(dns, stream);
	}
}
