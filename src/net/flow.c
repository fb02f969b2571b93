/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "core/err.h"
#include "net/config.h"
#include "net/engine.h"
#include "net/flow-publish.h"
#include "net/log.h"
#include "net/policy.h"
#include "net/sockaddr.h"
#include "net/sys.h"

enum {
	FLOWS_MAX = 1024,
	ECHOS_MAX = 64,
	FLOW_MS = 120 * 1000,
	ECHO_MS = 15 * 1000,
	BUCKETS = 512,
	BATCH = 16,
	SLOT = PACKET_HEAD_MAX + 65535 + 1,
};

enum kind { KIND_UDP, KIND_ECHO, KIND_COUNT };

struct flow {
	struct source source; /* first, so that a source is its flow */
	TAILQ_ENTRY(flow) by_age;
	LIST_ENTRY(flow) by_id;
	enum kind kind;
	struct net_addr guest;
	uint16_t id;          /* source port or echo identifier */
	struct net_addr peer; /* last destination that was allowed, as the host knows it */
	uint16_t peer_port;
	int64_t checked; /* when (s) */
	int64_t used;    /* when (ms) */
};

TAILQ_HEAD(flow_list, flow);
LIST_HEAD(flow_bucket, flow);

struct flows {
	struct engine *engine;
	struct flow_list by_age[KIND_COUNT]; /* the oldest first */
	unsigned int count[KIND_COUNT];
	struct flow_bucket buckets[BUCKETS];
	struct publishers publishers;
	struct net_addr outbound[2]; /* IPv4, IPv6; all zero for none */
	uint8_t *slots;              /* BATCH of SLOT bytes */
};

struct flows *flows_new(struct engine *engine, const struct net_config *config)
{
	struct flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return NULL;
	flows->slots = malloc((size_t)BATCH * SLOT);
	if (!flows->slots) {
		free(flows);
		return NULL;
	}
	flows->engine = engine;
	for (int i = 0; i < KIND_COUNT; i++)
		TAILQ_INIT(&flows->by_age[i]);
	for (int i = 0; i < BUCKETS; i++)
		LIST_INIT(&flows->buckets[i]);
	LIST_INIT(&flows->publishers);
	if (config->outbound4)
		flows->outbound[0] = *config->outbound4;
	if (config->outbound6)
		flows->outbound[1] = *config->outbound6;
	return flows;
}

static void flow_end(struct flows *flows, struct flow *flow)
{
	engine_unwatch(flows->engine, &flow->source);
	close(flow->source.fd);
	TAILQ_REMOVE(&flows->by_age[flow->kind], flow, by_age);
	LIST_REMOVE(flow, by_id);
	flows->count[flow->kind]--;
	free(flow);
}

void flows_free(struct flows *flows)
{
	struct flow *flow;

	if (!flows)
		return;
	for (int i = 0; i < KIND_COUNT; i++) {
		while ((flow = TAILQ_FIRST(&flows->by_age[i])))
			flow_end(flows, flow);
	}
	publishers_free(flows->engine, &flows->publishers);
	free(flows->slots);
	free(flows);
}

static bool is_zero(const struct net_addr *addr)
{
	static const struct net_addr zero;

	return net_addr_equal(addr, &zero);
}

/* A non-blocking host socket for the flow: a descriptor or -errno. */
static int flow_socket(struct flows *flows, const struct flow *flow)
{
	bool v6 = !net_addr_is4(&flow->guest);
	int family = v6 ? AF_INET6 : AF_INET;
	int proto = flow->kind == KIND_UDP ? 0 : v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);
	int on = 1;
	int r;

	if (fd < 0)
		return -errno;
	if (v6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	}
	if (!is_zero(&flows->outbound[v6])) {
		struct sockaddr_storage sa;
		socklen_t len = sockaddr_to(&flows->outbound[v6], 0, &sa);

		if (bind(fd, (void *)&sa, len) < 0) {
			r = -errno;
			close(fd);
			return r;
		}
	}
	return fd;
}

static void flow_ready(struct engine *engine, struct source *source, uint32_t events);

static struct flow *flow_new(struct flows *flows, enum kind kind, const struct frame *frame)
{
	struct flow *flow;

	if (flows->count[kind] >= (kind == KIND_UDP ? FLOWS_MAX : ECHOS_MAX))
		flow_end(flows, TAILQ_FIRST(&flows->by_age[kind]));
	flow = calloc(1, sizeof(*flow));
	if (!flow)
		return NULL;
	flow->kind = kind;
	flow->guest = frame->src;
	flow->id = frame->sport;
	flow->source.ready = flow_ready;
	flow->source.fd = flow_socket(flows, flow);
	if (flow->source.fd < 0 || engine_watch(flows->engine, &flow->source, EPOLLIN) < 0) {
		if (flow->source.fd >= 0)
			close(flow->source.fd);
		free(flow);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&flows->by_age[kind], flow, by_age);
	LIST_INSERT_HEAD(&flows->buckets[flow->id % BUCKETS], flow, by_id);
	flows->count[kind]++;
	return flow;
}

static struct flow *flow_get(struct flows *flows, enum kind kind, const struct frame *frame)
{
	struct flow *flow;

	LIST_FOREACH(flow, &flows->buckets[frame->sport % BUCKETS], by_id)
	{
		if (flow->kind == kind && flow->id == frame->sport &&
		    net_addr_equal(&flow->guest, &frame->src))
			return flow;
	}
	return flow_new(flows, kind, frame);
}

static void flow_touch(struct flows *flows, struct flow *flow, int64_t now)
{
	flow->used = now;
	TAILQ_REMOVE(&flows->by_age[flow->kind], flow, by_age);
	TAILQ_INSERT_TAIL(&flows->by_age[flow->kind], flow, by_age);
}

/* Tells the sandbox that its datagram to dst:port did not get through. */
static void send_unreachable(struct engine *engine, const struct net_addr *guest, uint16_t id,
                             const struct net_addr *dst, uint16_t port)
{
	struct packet_path sent = { .dst_mac = engine->gateway_mac,
		                    .src_mac = engine->guest_mac,
		                    .src = *guest,
		                    .sport = id,
		                    .dst = *dst,
		                    .dport = port };
	struct packet_lost lost = { .proto = PROTO_UDP, .why = PACKET_NO_PORT };
	uint8_t buf[PACKET_LOST_MAX];

	engine_send(engine, buf, packet_unreachable(buf, &sent, &lost));
}

/* Asks the policy, at most once a second for the same destination. */
static bool flow_allowed(struct flows *flows, struct flow *flow, const struct net_addr *dst,
                         uint16_t port, int64_t now)
{
	enum net_proto proto = flow->kind == KIND_UDP ? NET_UDP : NET_ICMP;
	enum policy_verdict verdict;

	if (flow->checked == now / 1000 && flow->peer_port == port &&
	    net_addr_equal(&flow->peer, dst))
		return true;
	verdict = policy_check(flows->engine->policy, proto, dst, port, now / 1000);
	if (verdict != POLICY_ALLOW) {
		netlog_denied(flows->engine->log, proto, dst, port, policy_verdict_word(verdict));
		return false;
	}
	flow->peer = *dst;
	flow->peer_port = port;
	flow->checked = now / 1000;
	return true;
}

void flows_input(struct flows *flows, const struct frame *frame)
{
	enum kind kind = frame->kind == FRAME_UDP ? KIND_UDP : KIND_ECHO;
	int64_t now = clock_ms();
	struct sockaddr_storage sa;
	struct net_addr dst;
	struct flow *flow;
	socklen_t len;
	bool reachable = engine_to_host(flows->engine, &frame->dst, &dst);

	if (kind == KIND_UDP && publishers_send(&flows->publishers, frame, &dst))
		return;
	flow = flow_get(flows, kind, frame);
	if (!flow)
		return;
	flow_touch(flows, flow, now);
	if (!reachable || !flow_allowed(flows, flow, &dst, frame->dport, now))
		goto refused;
	len = sockaddr_to(&dst, frame->dport, &sa);
	/* an error that came for an earlier datagram is reported, and cleared, by the first try */
	for (int try = 0; try < 2; try++)
		if (sendto_now(flow->source.fd, frame->payload, frame->payload_len, &sa, len) >= 0)
			return;
	if (errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE)
		return;
refused:
	if (kind == KIND_UDP)
		send_unreachable(flows->engine, &frame->src, frame->sport, &frame->dst,
		                 frame->dport);
}

/* An ICMP error for something the flow sent. */
static void flow_error(struct engine *engine, const struct flow *flow)
{
	struct sockaddr_storage sa;
	uint8_t control[512];
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_name = &sa,
		              .msg_namelen = sizeof(sa),
		              .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control,
		              .msg_controllen = sizeof(control) };
	struct net_addr dst;
	unsigned short port;
	int num;
	socklen_t len = sizeof(num);

	if (recvmsg(flow->source.fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
		getsockopt(flow->source.fd, SOL_SOCKET, SO_ERROR, &num, &len);
		return;
	}
	if (flow->kind != KIND_UDP || msg.msg_namelen == 0 ||
	    sockaddr_from((void *)&sa, &dst, &port) < 0)
		return;
	engine_from_host(engine, &dst);
	send_unreachable(engine, &flow->guest, flow->id, &dst, port);
}

/* Whether what came from addr:port is for the sandbox: an answer, or from where it may send to. */
static bool flow_wants(struct engine *engine, const struct flow *flow, const struct net_addr *addr,
                       uint16_t port)
{
	if (flow->kind == KIND_ECHO ||
	    (port == flow->peer_port && net_addr_equal(addr, &flow->peer)))
		return true;
	return policy_check(engine->policy, NET_UDP, addr, port, clock_ms() / 1000) == POLICY_ALLOW;
}

static void flow_deliver(struct engine *engine, const struct flow *flow,
                         const struct sockaddr_storage *sa, uint8_t *payload, size_t len)
{
	struct packet_path path = { .dst = flow->guest, .dport = flow->id };
	uint8_t proto = PROTO_UDP;

	if (sockaddr_from((const void *)sa, &path.src, &path.sport) < 0 ||
	    !flow_wants(engine, flow, &path.src, path.sport))
		return;
	engine_from_host(engine, &path.src);
	if (flow->kind == KIND_ECHO) {
		if (len < 8)
			return;
		proto = net_addr_is4(&flow->guest) ? PROTO_ICMP : PROTO_ICMP6;
		payload[4] = (uint8_t)(flow->id >> 8);
		payload[5] = (uint8_t)flow->id;
	}
	engine_send_packet(engine, &path, proto, payload, len);
}

int flows_receive(struct flows *flows, int fd, const void *owner, flows_deliver_fn deliver)
{
	struct mmsghdr msgs[BATCH] = { 0 };
	struct sockaddr_storage sa[BATCH];
	struct iovec iov[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i].iov_base = flows->slots + (size_t)i * SLOT + PACKET_HEAD_MAX;
		iov[i].iov_len = 65535;
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
		msgs[i].msg_hdr.msg_name = &sa[i];
		msgs[i].msg_hdr.msg_namelen = sizeof(sa[i]);
	}
	n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		deliver(flows->engine, owner, &sa[i], iov[i].iov_base, msgs[i].msg_len);
	return n;
}

static void deliver_to_flow(struct engine *engine, const void *owner,
                            const struct sockaddr_storage *sa, uint8_t *payload, size_t len)
{
	flow_deliver(engine, owner, sa, payload, len);
}

static void flow_ready(struct engine *engine, struct source *source, uint32_t events)
{
	struct flow *flow = (struct flow *)source;

	if (events & EPOLLERR)
		flow_error(engine, flow);
	if ((events & EPOLLIN) &&
	    flows_receive(engine->flows, source->fd, flow, deliver_to_flow) > 0)
		flow_touch(engine->flows, flow, clock_ms());
}

int flows_publish(struct flows *flows, int fd, uint16_t guest_port, struct err *err)
{
	return publishers_add(flows->engine, &flows->publishers, fd, guest_port, err);
}

int flows_unpublish(struct flows *flows, const struct net_addr *addr, uint16_t port)
{
	return publishers_remove(flows->engine, &flows->publishers, addr, port);
}

static int64_t flow_expiry(const struct flow *flow)
{
	return flow->used + (flow->kind == KIND_UDP ? FLOW_MS : ECHO_MS);
}

void flows_prepare(struct flows *flows, int *timeout, int64_t now)
{
	for (int i = 0; i < KIND_COUNT; i++) {
		const struct flow *oldest = TAILQ_FIRST(&flows->by_age[i]);
		int64_t left = oldest ? flow_expiry(oldest) - now : 0;

		if (oldest && (*timeout < 0 || *timeout > left))
			*timeout = left < 0 ? 0 : (int)left;
	}
}

void flows_tick(struct flows *flows, int64_t now)
{
	for (int i = 0; i < KIND_COUNT; i++) {
		struct flow *flow;

		while ((flow = TAILQ_FIRST(&flows->by_age[i])) && flow_expiry(flow) <= now)
			flow_end(flows, flow);
	}
}
