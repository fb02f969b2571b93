/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/flow-publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/err.h"
#include "net/engine.h"
#include "net/sockaddr.h"
#include "net/sys.h"

enum { PEERS_MAX = 256 };

struct peer {
	struct net_addr addr; /* as the host knows it */
	uint16_t port;
};

struct publisher {
	struct source source; /* first, so that a source is its publisher */
	LIST_ENTRY(publisher) list;
	struct net_addr addr;
	uint16_t port;
	uint16_t guest_port;
	struct peer *peers; /* who wrote, in a ring */
	unsigned int next;
};

static const struct peer *find_peer(const struct publisher *publisher, const struct net_addr *addr,
                                    uint16_t port)
{
	for (unsigned int i = 0; i < PEERS_MAX; i++) {
		const struct peer *peer = &publisher->peers[i];

		if (peer->port == port && net_addr_equal(&peer->addr, addr))
			return peer;
	}
	return NULL;
}

static void deliver(struct engine *engine, const void *owner, const struct sockaddr_storage *sa,
                    uint8_t *payload, size_t len)
{
	struct publisher *publisher = (struct publisher *)(uintptr_t)owner;
	const struct net_link *link = &engine->link;
	struct packet_path path = { .dport = publisher->guest_port };

	if (sockaddr_from((const void *)sa, &path.src, &path.sport) < 0)
		return;
	if (!find_peer(publisher, &path.src, path.sport)) {
		publisher->peers[publisher->next] = (struct peer){ path.src, path.sport };
		publisher->next = (publisher->next + 1) % PEERS_MAX;
	}
	engine_from_host(engine, &path.src);
	path.dst = net_addr_is4(&path.src) ? link->guest4 : link->guest6;
	engine_send_packet(engine, &path, PROTO_UDP, payload, len);
}

static void publisher_ready(struct engine *engine, struct source *source, uint32_t events)
{
	int num;
	socklen_t len = sizeof(num);

	if (events & EPOLLERR)
		getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &num, &len);
	flows_receive(engine->flows, source->fd, source, deliver);
}

bool publishers_send(const struct publishers *list, const struct frame *frame,
                     const struct net_addr *dst)
{
	const struct publisher *publisher;
	struct sockaddr_storage sa;
	socklen_t len;

	LIST_FOREACH(publisher, list, list)
	{
		if (publisher->guest_port != frame->sport ||
		    net_addr_is4(&publisher->addr) != net_addr_is4(&frame->src) ||
		    !find_peer(publisher, dst, frame->dport))
			continue;
		len = sockaddr_to(dst, frame->dport, &sa);
		sendto_now(publisher->source.fd, frame->payload, frame->payload_len, &sa, len);
		return true;
	}
	return false;
}

int publishers_add(struct engine *engine, struct publishers *list, int fd, uint16_t guest_port,
                   struct err *err)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct publisher *publisher = calloc(1, sizeof(*publisher));

	if (!publisher)
		return err_text(err, ENOMEM, "publish");
	publisher->peers = calloc(PEERS_MAX, sizeof(*publisher->peers));
	publisher->source = (struct source){ .fd = fd, .ready = publisher_ready };
	publisher->guest_port = guest_port;
	if (!publisher->peers || getsockname(fd, (void *)&sa, &len) < 0 ||
	    sockaddr_from((void *)&sa, &publisher->addr, &publisher->port) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    engine_watch(engine, &publisher->source, EPOLLIN) < 0) {
		free(publisher->peers);
		free(publisher);
		return err_text(err, errno ? errno : EINVAL, "publish UDP to port %u", guest_port);
	}
	LIST_INSERT_HEAD(list, publisher, list);
	return 0;
}

static void publisher_end(struct engine *engine, struct publisher *publisher)
{
	engine_unwatch(engine, &publisher->source);
	close(publisher->source.fd);
	LIST_REMOVE(publisher, list);
	free(publisher->peers);
	free(publisher);
}

int publishers_remove(struct engine *engine, struct publishers *list, const struct net_addr *addr,
                      uint16_t port)
{
	struct publisher *publisher;

	LIST_FOREACH(publisher, list, list)
	{
		if (publisher->port == port && net_addr_equal(&publisher->addr, addr)) {
			publisher_end(engine, publisher);
			return 0;
		}
	}
	return -ENOENT;
}

void publishers_free(struct engine *engine, struct publishers *list)
{
	while (!LIST_EMPTY(list))
		publisher_end(engine, LIST_FIRST(list));
}
