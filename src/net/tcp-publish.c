/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Published TCP ports: the host's listeners, and what comes to them. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "net/sockaddr.h"
#include "net/tcp-private.h"
#include "net/tcp.h"

enum {
	BACKLOG = 1024,
	BATCH = 32,
	PORT_FIRST = 49152, /* of those that stand in for one that is taken */
};

struct tcp_publisher {
	struct source source; /* first, so that a source is its publisher */
	LIST_ENTRY(tcp_publisher) list;
	struct tcp *tcp;
	struct net_addr addr;
	uint16_t port;
	uint16_t guest_port;
	bool paused; /* there was no descriptor for what comes */
};

/* From whom the sandbox sees the connection come; two of the host's loopback may look alike. */
static int name_peer(struct tcp *tcp, struct frame *frame)
{
	uint16_t port = PORT_FIRST;

	engine_from_host(tcp->engine, &frame->dst);
	while (tcp_find(tcp, frame)) {
		if (port == UINT16_MAX)
			return -EADDRINUSE;
		frame->dport = port++;
	}
	return 0;
}

static void call(struct tcp_publisher *publisher, int fd, const struct sockaddr_storage *sa)
{
	struct tcp *tcp = publisher->tcp;
	const struct net_link *link = &tcp->engine->link;
	struct frame frame = { .sport = publisher->guest_port };
	struct tcp_conn *conn = NULL;

	if (sockaddr_from((const void *)sa, &frame.dst, &frame.dport) == 0) {
		frame.src = net_addr_is4(&frame.dst) ? link->guest4 : link->guest6;
		if (name_peer(tcp, &frame) == 0)
			conn = tcp_conn_new(tcp, &frame, fd);
	}
	if (!conn) {
		close(fd);
		return;
	}
	tcp_open_call(conn);
}

static void pause_listener(struct tcp_publisher *publisher, bool pause)
{
	struct engine *engine = publisher->tcp->engine;

	if (pause == publisher->paused)
		return;
	if (pause)
		engine_unwatch(engine, &publisher->source);
	else if (engine_watch(engine, &publisher->source, EPOLLIN) < 0)
		return;
	publisher->paused = pause;
	publisher->tcp->paused |= pause;
}

static void publisher_ready(struct engine *engine, struct source *source, uint32_t events)
{
	struct tcp_publisher *publisher = (struct tcp_publisher *)source;
	struct sockaddr_storage sa;

	(void)engine, (void)events;
	for (int i = 0; i < BATCH; i++) {
		socklen_t len = sizeof(sa);
		int fd = accept4(source->fd, (void *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			call(publisher, fd, &sa);
			continue;
		}
		/* the listener would wake us for ever */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			pause_listener(publisher, true);
		return;
	}
}

int tcp_publish(struct tcp *tcp, int listener, uint16_t guest_port, struct err *err)
{
	struct tcp_publisher *publisher = calloc(1, sizeof(*publisher));
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	int r = -EAFNOSUPPORT;

	if (!publisher) {
		close(listener);
		return err_text(err, ENOMEM, "publish");
	}
	publisher->source = (struct source){ .fd = listener, .ready = publisher_ready };
	publisher->tcp = tcp;
	publisher->guest_port = guest_port;
	if (getsockname(listener, (void *)&sa, &len) < 0 ||
	    sockaddr_from((void *)&sa, &publisher->addr, &publisher->port) < 0)
		r = err_text(err, errno, "publish: read a listener's address");
	else if (sa.ss_family == AF_INET6 && !tcp->engine->link.v6)
		err_text(err, EAFNOSUPPORT, "publish on an IPv6 address: the sandbox has no IPv6");
	else if (fcntl(listener, F_SETFL, O_NONBLOCK) < 0 || listen(listener, BACKLOG) < 0 ||
	         engine_watch(tcp->engine, &publisher->source, EPOLLIN) < 0)
		r = err_text(err, errno, "publish: listen for port %u", guest_port);
	else
		r = 0;
	if (r < 0) {
		close(listener);
		free(publisher);
		return r;
	}
	LIST_INSERT_HEAD(&tcp->publishers, publisher, list);
	return 0;
}

static void publisher_end(struct tcp_publisher *publisher)
{
	if (!publisher->paused)
		engine_unwatch(publisher->tcp->engine, &publisher->source);
	close(publisher->source.fd);
	LIST_REMOVE(publisher, list);
	free(publisher);
}

int tcp_unpublish(struct tcp *tcp, const struct net_addr *addr, uint16_t port)
{
	struct tcp_publisher *publisher;

	LIST_FOREACH(publisher, &tcp->publishers, list)
	{
		if (publisher->port == port && net_addr_equal(&publisher->addr, addr)) {
			publisher_end(publisher);
			return 0;
		}
	}
	return -ENOENT;
}

void tcp_publishers_free(struct tcp *tcp)
{
	while (!LIST_EMPTY(&tcp->publishers))
		publisher_end(LIST_FIRST(&tcp->publishers));
}

void tcp_publishers_tick(struct tcp *tcp)
{
	struct tcp_publisher *publisher;

	if (!tcp->paused)
		return;
	tcp->paused = false;
	LIST_FOREACH(publisher, &tcp->publishers, list)
	{
		pause_listener(publisher, false);
	}
}
