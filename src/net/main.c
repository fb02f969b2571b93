/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sbx-net: the process that carries the traffic of one sandbox. It is started by sbx with a control
 * socket; s4n.c is the same for podman and others, as slirp4netns. Theory of operation:
 *
 *	sandbox's kernel <-> tap <-> filter.c -+-> tcp.c -> host sockets
 *	                                       +-> flow.c (UDP, echo) -> host sockets
 *	                                       +-> dns.c -> the host's servers
 *	                                       +-> stack.h (ARP, neighbours, the gateway's pings)
 *
 * Whatever leaves is judged by policy.c at the socket call, with the address the kernel will use.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "core/parse.h"
#include "net/config.h"
#include "net/control.h"
#include "net/dns.h"
#include "net/engine.h"
#include "net/flow.h"
#include "net/isolate.h"
#include "net/log.h"
#include "net/loop.h"
#include "net/splice.h"
#include "net/tcp.h"

enum { LISTENERS_MAX = 2 }; /* of the fast path, IPv4 and IPv6 */

struct options {
	int control;
	bool in_userns; /* the starter has made a user namespace for us already */
};

static int usage(void)
{
	fputs("usage: sbx-net --control-fd FD [--in-userns]\n"
	      "The network helper of sbx(1), which starts it.\n",
	      stderr);
	return 125;
}

static int parse_args(int argc, char **argv, struct options *options)
{
	*options = (struct options){ .control = -1 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--in-userns") == 0)
			options->in_userns = true;
		else if (strcmp(argv[i], "--control-fd") == 0 && i + 1 < argc &&
		         parse_fd(argv[i + 1], &options->control) == 0)
			i++;
		else
			return -EINVAL;
	}
	return options->control < 0 ? -EINVAL : 0;
}

/* The starter never speaks after "tap", so any event means that it has gone. */
static void control_ready_event(struct engine *engine, struct source *source, uint32_t events)
{
	(void)source, (void)events;
	engine->quit = true;
}

static int publish_all(struct engine *engine, struct net_config *config, struct err *err)
{
	for (size_t i = 0; i < config->publish_count; i++) {
		struct net_config_publish *publish = &config->publish[i];
		int r;

		if (publish->udp)
			r = flows_publish(engine->flows, publish->fd, publish->guest_port, err);
		else
			r = tcp_publish(engine->tcp, publish->fd, publish->guest_port, err);
		if (r < 0)
			return r;
		publish->fd = -1;
	}
	return 0;
}

/* What one run of the helper consists of. */
struct helper {
	struct options options;
	struct net_config config;
	struct engine *engine;
	struct splicers *splicers; /* NULL without a fast path */
};

/* Everything but the sandbox's device, and then the rest of the confinement. */
static int prepare(struct helper *helper, struct err *err)
{
	struct net_config *config = &helper->config;
	struct engine *engine;
	int r = loop_new(config, &helper->engine, err);

	if (r < 0)
		return r;
	engine = helper->engine;
	if (config->log) {
		engine->log = netlog_new(config->log_fd);
		if (!engine->log)
			return err_text(err, ENOMEM, "network helper");
		config->log_fd = -1;
	}
	if (config->ask && engine->dns) {
		r = dns_follow(engine->dns, config->ask_fd);
		if (r < 0)
			return err_text(err, -r, "network helper: follow the host's name servers");
		config->ask_fd = -1;
	}
	r = publish_all(engine, config, err);
	/* a thread takes the rights it is born with, so there are none by now */
	if (r == 0 && config->splice)
		r = splicers_start(engine->policy, engine->log, &helper->splicers, err);
	return r == 0 ? isolate_seccomp(err) : r;
}

static int attach(struct helper *helper, struct err *err)
{
	int fds[1 + LISTENERS_MAX];
	int n = control_read_tap(helper->options.control, fds, 1 + LISTENERS_MAX, err);
	int r;

	if (n < 0)
		return n;
	r = engine_attach(helper->engine, fds[0], err);
	for (int i = 1; r == 0 && i < n; i++) {
		r = helper->splicers ? splicers_listen(helper->splicers, fds[i]) : -EPROTO;
		if (r < 0)
			err_text(err, -r, "network helper: start the fast path");
	}
	return r;
}

static int serve(struct helper *helper, struct err *err)
{
	int control_fd = helper->options.control;
	struct source control = { .fd = control_fd, .ready = control_ready_event };
	int r = isolate_limits(err);

	/* before anything is read: the kernel makes us wait, and the starter is not so far yet */
	if (r == 0)
		r = isolate_namespaces(!helper->options.in_userns, err);
	if (r == 0)
		r = control_read_config(control_fd, &helper->config, err);
	if (r == 0)
		r = prepare(helper, err);
	if (r == 0)
		r = attach(helper, err);
	if (r == 0 && engine_watch(helper->engine, &control, EPOLLIN | EPOLLRDHUP) < 0)
		r = err_text(err, errno, "network helper: watch its starter");
	if (r == 0)
		r = control_ready(control_fd, err);
	return r == 0 ? loop_run(helper->engine, err) : r;
}

int main(int argc, char **argv)
{
	struct helper helper = { 0 };
	struct err err;
	int r;

	if (isolate_begin() < 0)
		return 125;
	if (parse_args(argc, argv, &helper.options) < 0)
		return usage();
	net_config_init(&helper.config);
	r = serve(&helper, &err);
	if (r < 0)
		control_error(helper.options.control, &err);
	/* threads may be at work on all of it, so nothing is freed */
	_exit(r < 0 ? 125 : 0);
}
