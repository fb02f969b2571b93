/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/stack.h"

#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/err.h"
#include "net/engine.h"

struct stack {
	struct engine *engine;
	Slirp *slirp;
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

static int no_poll(int fd, int events, void *opaque)
{
	(void)events, (void)opaque;
	return fd;
}

static int no_events(int fd, void *opaque)
{
	(void)fd, (void)opaque;
	return 0;
}

int stack_new(struct engine *engine, struct stack **ret, struct err *err)
{
	SlirpConfig config = slirp_config(&engine->link);
	struct stack *stack = calloc(1, sizeof(*stack));

	if (!stack)
		return err_text(err, ENOMEM, "network helper");
	stack->engine = engine;
	stack->slirp = slirp_new(&config, &callbacks, stack);
	if (!stack->slirp) {
		free(stack);
		return err_text(err, EINVAL, "network helper: start libslirp");
	}
	*ret = stack;
	return 0;
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	/* no slirp_cleanup(): that of 4.7 goes in circles for ever when a packet waits in its
	 * output queue; the process is about to end */
	free(stack);
}

void stack_input(struct engine *engine, struct frame *frame, uint8_t *data, size_t len)
{
	struct stack *stack = engine->stack;
	uint32_t timeout = UINT32_MAX;

	(void)frame;
	slirp_input(stack->slirp, data, (int)len);
	/* what it could not send before it knew where to is sent from here */
	slirp_pollfds_fill(stack->slirp, &timeout, no_poll, NULL);
	slirp_pollfds_poll(stack->slirp, 0, no_events, NULL);
}
