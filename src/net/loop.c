/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/err.h"
#include "net/config.h"
#include "net/dns.h"
#include "net/engine.h"
#include "net/flow.h"
#include "net/hostaddr.h"
#include "net/log.h"
#include "net/offload.h"
#include "net/policy.h"
#include "net/stack.h"
#include "net/sys.h"
#include "net/tcp.h"

enum {
	EVENTS_MAX = 64,
	FRAMES_MAX = 64, /* of one round */
	FRAMES_MIN = 4,
	BULK = 8192, /* bytes of a frame that belongs to a stream */
};

static void link_init(struct net_link *link, const struct net_config *config)
{
	link->mtu = config->mtu;
	link->loose = config->open;
	link->v6 = config->v6;
	link->net4 = config->net4;
	link->host4 = net_cidr_host(&config->net4, 2);
	link->dns4 = net_cidr_host(&config->net4, 3);
	link->guest4 = net_cidr_host(&config->net4, 100);
	link->net6 = config->net6;
	link->host6 = net_cidr_host(&config->net6, 2);
	link->dns6 = net_cidr_host(&config->net6, 3);
	link->guest6 = net_cidr_host(&config->net6, 100);
	memcpy(link->mac, config->mac, sizeof(link->mac));
}

static int policy_init(struct engine *engine, const struct net_config *config)
{
	engine->policy = policy_new(config->open);
	if (!engine->policy || policy_add_vnet(engine->policy, &config->net4) < 0 ||
	    (config->v6 && policy_add_vnet(engine->policy, &config->net6) < 0))
		return -ENOMEM;
	for (size_t i = 0; i < config->rules_count; i++) {
		if (policy_add_rule(engine->policy, &config->rules[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int engine_parts(struct engine *engine, const struct net_config *config, struct err *err)
{
	engine->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (engine->epoll < 0)
		return err_text(err, errno, "network helper: epoll");
	if (policy_init(engine, config) < 0)
		return err_text(err, ENOMEM, "network helper");
	engine->flows = flows_new(engine, config);
	if (!config->no_dns)
		engine->dns = dns_new(engine, config);
	if (!config->open && hostaddr_new(engine, &engine->hostaddr) < 0)
		return err_text(err, errno, "network helper: read the host's addresses");
	engine->tcp = tcp_new(engine, config);
	if (!engine->flows || !engine->tcp || (!engine->dns && !config->no_dns))
		return err_text(err, ENOMEM, "network helper");
	return stack_new(engine, &engine->stack, err);
}

int loop_new(const struct net_config *config, struct engine **ret, struct err *err)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int r;

	if (!engine)
		return err_text(err, ENOMEM, "network helper");
	engine->tap = -1;
	engine->burst = FRAMES_MIN;
	engine->loopback = !config->no_loopback;
	link_init(&engine->link, config);
	memcpy(engine->guest_mac, engine->link.mac, 6);
	/* as libslirp makes its own: 52:55 and the gateway's IPv4 address */
	engine->gateway_mac[0] = 0x52;
	engine->gateway_mac[1] = 0x55;
	memcpy(engine->gateway_mac + 2, engine->link.host4.b + 12, 4);
	r = engine_parts(engine, config, err);
	if (r < 0) {
		loop_free(engine);
		return r;
	}
	*ret = engine;
	return 0;
}

void loop_free(struct engine *engine)
{
	if (!engine)
		return;
	stack_free(engine->stack);
	tcp_free(engine->tcp);
	dns_free(engine->dns);
	flows_free(engine->flows);
	hostaddr_free(engine->hostaddr);
	policy_free(engine->policy);
	netlog_free(engine->log);
	if (engine->tap >= 0)
		close(engine->tap);
	if (engine->epoll >= 0)
		close(engine->epoll);
	free(engine);
}

static void tcp_frame(struct engine *engine, const struct frame *frame, bool open)
{
	struct packet_path path = { .src = frame->src, .dst = frame->dst };

	if (!open && packet_checksum(&path, PROTO_TCP, frame->payload, frame->payload_len) != 0)
		netlog_frame(engine->log, "bad TCP checksum");
	else
		tcp_input(engine->tcp, frame);
}

/* open: its checksum, if it is TCP, need not be looked at. */
static void input(struct engine *engine, uint8_t *data, size_t len, bool open)
{
	struct frame frame;

	filter_frame(&engine->link, data, len, &frame);
	if (frame.kind == FRAME_DROP) {
		if (frame.why)
			netlog_frame(engine->log, frame.why);
		return;
	}
	if (engine->link.loose)
		memcpy(engine->guest_mac, data + 6, 6);
	if (frame.kind == FRAME_STACK) {
		stack_input(engine, &frame, data, len);
		return;
	}
	if (frame.kind == FRAME_TCP) {
		tcp_frame(engine, &frame, open);
		return;
	}
	if (engine_is_resolver(engine, &frame.dst)) {
		if (frame.kind == FRAME_UDP && frame.dport == 53)
			dns_datagram(engine->dns, &frame);
		return;
	}
	flows_input(engine->flows, &frame);
}

/*
 * Reads what is there, within reason: 0, or -errno when the device is gone. Of a stream's frames a
 * few are taken in a round, so that the acknowledgement is on the way while the next are made; of
 * small ones twice as many as in the round before, for as long as there are so many.
 */
static int drain(struct engine *engine)
{
	unsigned int burst = engine->burst;
	unsigned int large = 0;

	engine->burst = FRAMES_MIN;
	engine->tap_ready = false;
	for (unsigned int i = 0; i < burst; i++) {
		ssize_t n = read(engine->tap, engine->in, sizeof(engine->in));
		bool open;

		if (n <= VNET_LEN) {
			/* EFAULT, EIO, ENETDOWN: the interface is down, and may come up again */
			return n < 0 && (errno == EBADFD || errno == ENODEV || errno == ENXIO)
			               ? -errno
			               : 0;
		}
		open = offload_in(engine->in, (size_t)n);
		input(engine, engine->in + VNET_LEN, (size_t)n - VNET_LEN, open);
		if (n > BULK && ++large == FRAMES_MIN)
			return 0;
	}
	engine->burst = burst < FRAMES_MAX ? 2 * burst : burst;
	return 0;
}

static void dispatch(struct engine *engine, struct epoll_event *events, int n)
{
	for (engine->events_count = n; engine->events_count > 0;) {
		struct source *source = events->data.ptr;
		uint32_t what = events->events;

		engine->events = ++events;
		engine->events_count--;
		if (source)
			source->ready(engine, source, what);
	}
}

int loop_run(struct engine *engine, struct err *err)
{
	struct epoll_event events[EVENTS_MAX];
	int r = 0;

	while (!engine->quit) {
		int64_t now = clock_ms();
		int timeout = -1;
		int n;

		flows_prepare(engine->flows, &timeout, now);
		if (engine->dns)
			dns_prepare(engine->dns, &timeout, now);
		tcp_prepare(engine->tcp, &timeout, now);
		n = epoll_wait(engine->epoll, events, EVENTS_MAX, timeout);
		if (n < 0 && errno != EINTR)
			return err_text(err, errno, "network helper: epoll");
		dispatch(engine, events, n);
		if (engine->tap_ready)
			r = drain(engine);
		if (r < 0)
			return err_text(err, -r, "network helper: read the tap");
		tcp_flush(engine->tcp);
		now = clock_ms();
		tcp_tick(engine->tcp, now);
		flows_tick(engine->flows, now);
		if (engine->dns)
			dns_tick(engine->dns, now);
	}
	return 0;
}
