/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "net/config.h"
#include "net/dns.h"
#include "net/engine.h"
#include "net/gate.h"
#include "net/log.h"
#include "net/policy.h"
#include "net/sys.h"

enum {
	SOCKETS_MAX = 4096,
	PUBLISH_BACKLOG = 1024,
};

/* What epoll knows of a descriptor of libslirp's, and what libslirp wants it to know. */
struct polled {
	uint32_t have;
	uint32_t want;
	uint32_t ready;
	uint32_t round; /* of the last prepare() that wanted it */
};

struct stack {
	struct engine *engine; /* NULL while probing */
	Slirp *slirp;
	struct sockaddr_in outbound4;
	struct sockaddr_in6 outbound6;
	struct polled *polled; /* by descriptor */
	size_t polled_size;
	int *watched; /* descriptors that epoll has */
	size_t watched_count;
	size_t watched_size;
	uint32_t round;
};

static int64_t stack_clock(void *opaque)
{
	struct timespec ts;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static ssize_t stack_send(const void *frame, size_t len, void *opaque)
{
	struct stack *stack = opaque;

	if (stack->engine)
		engine_send(stack->engine, frame, len);
	return (ssize_t)len;
}

/* libslirp's own complaints about the sandbox's packets are of no use to anyone. */
static void stack_guest_error(const char *msg, void *opaque)
{
	(void)msg, (void)opaque;
}

/* Its one timer sends router advertisements, which a sandbox with a fixed address does not need
 * (a solicitation is answered without it). */
static void *stack_timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
	(void)id, (void)cb_opaque;
	return opaque;
}

static void *stack_timer_old(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
	(void)cb, (void)cb_opaque;
	return opaque;
}

static void stack_timer_free(void *timer, void *opaque)
{
	(void)timer, (void)opaque;
}

static void stack_timer_mod(void *timer, int64_t expire, void *opaque)
{
	(void)timer, (void)expire, (void)opaque;
}

static void stack_poll_fd(int fd, void *opaque)
{
	(void)fd, (void)opaque;
}

static void stack_notify(void *opaque)
{
	(void)opaque;
}

static const SlirpCb callbacks = {
	.send_packet = stack_send,
	.guest_error = stack_guest_error,
	.clock_get_ns = stack_clock,
	.timer_new = stack_timer_old,
	.timer_free = stack_timer_free,
	.timer_mod = stack_timer_mod,
	.register_poll_fd = stack_poll_fd,
	.unregister_poll_fd = stack_poll_fd,
	.notify = stack_notify,
	.timer_new_opaque = stack_timer_new,
};

static struct in_addr in4(const struct net_addr *addr)
{
	struct in_addr in;

	memcpy(&in, addr->b + 12, 4);
	return in;
}

static struct in6_addr in6(const struct net_addr *addr)
{
	struct in6_addr in;

	memcpy(&in, addr->b, 16);
	return in;
}

static SlirpConfig slirp_config(const struct net_link *link)
{
	unsigned int bits = link->net4.prefix - NET_PREFIX4;
	/* slirp4netns' own choice; with a fixed address it is asked for by nobody */
	struct net_addr dhcp = net_cidr_host(&link->net4, 15);
	SlirpConfig config = {
		.version = 4,
		.in_enabled = true,
		.vnetwork = in4(&link->net4.addr),
		.vnetmask = { htonl(bits ? UINT32_MAX << (32 - bits) : 0) },
		.vhost = in4(&link->host4),
		.vnameserver = in4(&link->dns4),
		.vdhcp_start = in4(&dhcp),
		.if_mtu = NET_MTU_MAX, /* the device cuts what is longer than its own */
		.if_mru = NET_MTU_MAX,
		.disable_dns = true, /* the resolver is ours */
		.disable_dhcp = !link->loose,
	};

	if (link->v6) {
		config.in6_enabled = true;
		config.vprefix_addr6 = in6(&link->net6.addr);
		config.vprefix_len = (uint8_t)link->net6.prefix;
		config.vhost6 = in6(&link->host6);
		config.vnameserver6 = in6(&link->dns6);
	}
	return config;
}

static int connect_checked(void *data, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct stack *stack = data;
	struct engine *engine = stack->engine;
	struct net_addr addr;
	unsigned short port;
	enum policy_verdict verdict;

	if (gate_sockaddr_from(sa, &addr, &port) < 0) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (engine_is_resolver(engine, &addr)) {
		errno = ECONNREFUSED;
		return port == 53 ? dns_take_stream(engine->dns, fd) : -1;
	}
	verdict = policy_check(engine->policy, NET_TCP, &addr, port, clock_ms() / 1000);
	if (verdict != POLICY_ALLOW) {
		netlog_denied(engine->log, NET_TCP, &addr, port, policy_verdict_word(verdict));
		errno = EHOSTUNREACH;
		return -1;
	}
	return sys_connect(fd, sa, len);
}

static void forget_fd(void *data, int fd)
{
	struct stack *stack = data;

	/* the kernel takes a closed descriptor out of epoll by itself */
	if ((size_t)fd < stack->polled_size)
		stack->polled[fd] = (struct polled){ 0 };
}

static const struct gate_ops stack_gate = { .connect = connect_checked, .closed = forget_fd };

static int probe_connect(void *data, int fd, const struct sockaddr *sa, socklen_t len)
{
	(void)data, (void)fd, (void)sa, (void)len;
	/* a failure would be answered with a packet, and slirp_cleanup() of 4.7 goes in circles
	 * for ever when one waits in its output queue */
	errno = EINPROGRESS;
	return -1;
}

static void probe_closed(void *data, int fd)
{
	(void)data, (void)fd;
}

/* A SYN from the sandbox to a documentation address. */
static size_t probe_frame(const struct net_link *link, uint8_t *buf)
{
	static const uint8_t mac[6] = { 0x52, 0x55, 0, 0, 0, 1 };
	struct packet_path path = { .dst_mac = mac, .src_mac = mac, .src = link->guest4 };
	uint8_t *tcp = buf + ETH_LEN + IP4_LEN;
	uint16_t sum;
	size_t len;

	net_addr_parse("192.0.2.1", &path.dst);
	len = packet_seal(buf, &path, PROTO_ICMP, 20); /* for its IP header */
	memset(tcp, 0, 20);
	tcp[1] = tcp[3] = 9;
	tcp[12] = 0x50;
	tcp[13] = 0x02;
	sum = packet_checksum(&path, PROTO_TCP, tcp, 20);
	memcpy(tcp + 16, &sum, 2);
	buf[ETH_LEN + 9] = PROTO_TCP;
	memset(buf + ETH_LEN + 10, 0, 2);
	sum = (uint16_t)~packet_sum(0, buf + ETH_LEN, IP4_LEN);
	memcpy(buf + ETH_LEN + 10, &sum, 2);
	return len;
}

/* The policy hangs on libslirp calling our connect(). An update, or a build that binds its symbols
 * early, could silently undo that; so ask it to listen and to connect, and see whether it comes by.
 */
static int probe_gate(const struct net_link *link, struct err *err)
{
	static const struct gate_ops ops = { .connect = probe_connect, .closed = probe_closed };
	struct stack stack = { 0 };
	SlirpConfig config = slirp_config(link);
	struct gate_calls before = gate_calls();
	struct gate_calls after;
	uint8_t frame[128];
	int fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_text(err, errno, "network helper: make a socket");
	stack.slirp = slirp_new(&config, &callbacks, &stack);
	if (!stack.slirp) {
		sys_close(fd);
		return err_text(err, EINVAL, "network helper: start libslirp");
	}
	gate_install(&ops, NULL, SOCKETS_MAX);
	gate_offer_listener(fd);
	slirp_add_hostfwd(stack.slirp, 0, (struct in_addr){ htonl(INADDR_LOOPBACK) }, 0,
	                  in4(&link->guest4), 9);
	slirp_input(stack.slirp, frame, (int)probe_frame(link, frame));
	gate_offer_listener(-1);
	slirp_cleanup(stack.slirp); /* closes fd, too */
	after = gate_calls();
	if (after.socket - before.socket != 2 || after.bind == before.bind ||
	    after.listen == before.listen || after.connect - before.connect != 1 ||
	    after.close == before.close)
		return err_text(
			err, ENOTSUP,
			"network helper: this libslirp (%s) does not make its socket calls through the "
			"dynamic linker, so no policy could be kept",
			slirp_version_string());
	return 0;
}

int stack_new(struct engine *engine, const struct net_config *config, struct stack **ret,
              struct err *err)
{
	SlirpConfig slirp = slirp_config(&engine->link);
	struct stack *stack;
	int r = probe_gate(&engine->link, err);

	if (r < 0)
		return r;
	stack = calloc(1, sizeof(*stack));
	if (!stack)
		return err_text(err, ENOMEM, "network helper");
	stack->engine = engine;
	slirp.disable_host_loopback = config->no_loopback;
	if (config->outbound4) {
		stack->outbound4.sin_family = AF_INET;
		stack->outbound4.sin_addr = in4(config->outbound4);
		slirp.outbound_addr = &stack->outbound4;
	}
	if (config->outbound6) {
		stack->outbound6.sin6_family = AF_INET6;
		stack->outbound6.sin6_addr = in6(config->outbound6);
		slirp.outbound_addr6 = &stack->outbound6;
	}
	stack->slirp = slirp_new(&slirp, &callbacks, stack);
	if (!stack->slirp) {
		free(stack);
		return err_text(err, EINVAL, "network helper: start libslirp");
	}
	gate_install(&stack_gate, stack, SOCKETS_MAX);
	*ret = stack;
	return 0;
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	/* no slirp_cleanup(): see probe_connect(); the process is about to end */
	gate_install(NULL, NULL, 0);
	free(stack->polled);
	free(stack->watched);
	free(stack);
}

void stack_input(struct stack *stack, const uint8_t *frame, size_t len)
{
	slirp_input(stack->slirp, frame, (int)len);
}

static int ensure(void **array, size_t *size, size_t need, size_t element)
{
	size_t bigger = need * 2;
	void *p;

	if (need <= *size)
		return 0;
	p = realloc(*array, bigger * element);
	if (!p)
		return -ENOMEM;
	memset((char *)p + *size * element, 0, (bigger - *size) * element);
	*array = p;
	*size = bigger;
	return 0;
}

static uint32_t to_epoll(int events)
{
	/* No EPOLLPRI: SO_OOBINLINE brings urgent data in line, and the sandbox need not know. */
	return (events & SLIRP_POLL_IN ? (uint32_t)EPOLLIN : 0) |
	       (events & SLIRP_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

static int add_poll(int fd, int events, void *opaque)
{
	struct stack *stack = opaque;
	struct epoll_event event = { .events = to_epoll(events), .data.u64 = stack_tag(fd) };
	struct polled *polled;
	void *table = stack->polled;
	void *list = stack->watched;

	if (ensure(&table, &stack->polled_size, (size_t)fd + 1, sizeof(*polled)) < 0)
		return -1;
	stack->polled = table;
	if (ensure(&list, &stack->watched_size, stack->watched_count + 1, sizeof(int)) < 0)
		return -1;
	stack->watched = list;
	polled = &stack->polled[fd];
	polled->want = event.events;
	polled->ready = 0;
	polled->round = stack->round;
	if (polled->have == polled->want)
		return fd;
	if (polled->have) {
		epoll_ctl(stack->engine->epoll, EPOLL_CTL_MOD, fd, &event);
	} else {
		if (epoll_ctl(stack->engine->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			return -1;
		stack->watched[stack->watched_count++] = fd;
	}
	polled->have = polled->want;
	return fd;
}

/* Takes out of epoll what libslirp did not ask for this time. */
static void drop_unwanted(struct stack *stack)
{
	size_t kept = 0;

	for (size_t i = 0; i < stack->watched_count; i++) {
		int fd = stack->watched[i];
		struct polled *polled = &stack->polled[fd];

		if (polled->have && polled->round == stack->round) {
			stack->watched[kept++] = fd;
			continue;
		}
		if (polled->have)
			epoll_ctl(stack->engine->epoll, EPOLL_CTL_DEL, fd, NULL);
		*polled = (struct polled){ 0 };
	}
	stack->watched_count = kept;
}

void stack_prepare(struct stack *stack, int *timeout)
{
	uint32_t ms = UINT32_MAX;

	stack->round++;
	slirp_pollfds_fill(stack->slirp, &ms, add_poll, stack);
	drop_unwanted(stack);
	/* it always says a second at most; without a connection nothing of it needs the clock */
	if (gate_connections() && (*timeout < 0 || (uint32_t)*timeout > ms))
		*timeout = (int)ms;
}

void stack_mark(struct stack *stack, int fd, uint32_t events)
{
	if ((size_t)fd < stack->polled_size)
		stack->polled[fd].ready = events;
}

static int get_revents(int fd, void *opaque)
{
	struct stack *stack = opaque;
	uint32_t events;

	if (fd < 0 || (size_t)fd >= stack->polled_size)
		return 0;
	events = stack->polled[fd].ready;
	return (events & EPOLLIN ? SLIRP_POLL_IN : 0) | (events & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
	       (events & EPOLLERR ? SLIRP_POLL_ERR : 0) | (events & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

void stack_process(struct stack *stack)
{
	slirp_pollfds_poll(stack->slirp, 0, get_revents, stack);
}

int stack_publish(struct stack *stack, int listener, uint16_t guest_port, struct err *err)
{
	struct sockaddr_storage host = { 0 };
	struct sockaddr_storage guest;
	socklen_t host_len = sizeof(host);
	socklen_t guest_len;
	const struct net_link *link = &stack->engine->link;
	bool v6;

	if (getsockname(listener, (void *)&host, &host_len) < 0)
		return err_text(err, errno, "publish: read a listener's address");
	v6 = host.ss_family == AF_INET6;
	if (v6 && !link->v6)
		return err_text(err, EAFNOSUPPORT,
		                "publish on an IPv6 address: the sandbox has no IPv6");
	if (fcntl(listener, F_SETFL, O_NONBLOCK) < 0 || sys_listen(listener, PUBLISH_BACKLOG) < 0)
		return err_text(err, errno, "publish: listen");
	guest_len = gate_sockaddr_to(v6 ? &link->guest6 : &link->guest4, guest_port, &guest);
	gate_offer_listener(listener);
	if (slirp_add_hostxfwd(stack->slirp, (void *)&host, host_len, (void *)&guest, guest_len,
	                       0) < 0) {
		gate_offer_listener(-1);
		return err_text(err, errno, "publish: forward to port %u", guest_port);
	}
	return 0;
}

int stack_unpublish(struct stack *stack, const struct net_addr *addr, uint16_t port)
{
	struct sockaddr_storage host;
	socklen_t len = gate_sockaddr_to(addr, port, &host);

	return slirp_remove_hostxfwd(stack->slirp, (void *)&host, len, 0) < 0 ? -ENOENT : 0;
}
