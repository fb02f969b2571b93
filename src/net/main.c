/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sbx-net: the process that carries the traffic of one sandbox. It is started by sbx with a control
 * socket, or by hand (and by podman) under the name slirp4netns. Theory of operation:
 *
 *	sandbox's kernel <-> tap <-> filter.c -+-> stack.c (libslirp: TCP) -> gate.c -> host sockets
 *	                                       +-> flow.c (UDP, echo) -> host sockets
 *	                                       +-> dns.c -> the host's servers
 *
 * Whatever leaves is judged by policy.c at the socket call, with the address the kernel will use.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "core/parse.h"
#include "net/config.h"
#include "net/control.h"
#include "net/engine.h"
#include "net/flow.h"
#include "net/isolate.h"
#include "net/log.h"
#include "net/s4n.h"
#include "net/stack.h"

struct options {
	int control;
	bool in_userns; /* the starter has made a user namespace for us already */
};

static int usage(void)
{
	fputs("usage: sbx-net --control-fd FD [--in-userns]\n"
	      "The network helper of sbx(1), which starts it; under the name slirp4netns it\n"
	      "takes the options of that program.\n",
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
			r = stack_publish(engine->stack, publish->fd, publish->guest_port, err);
		if (r < 0)
			return r;
		publish->fd = -1;
	}
	return 0;
}

static int prepare(const struct options *options, struct net_config *config, struct engine **ret,
                   struct err *err)
{
	struct engine *engine;
	int r = engine_new(config, &engine, err);

	if (r < 0)
		return r;
	*ret = engine;
	if (config->log) {
		engine->log = netlog_new(config->log_fd);
		if (!engine->log)
			return err_text(err, ENOMEM, "network helper");
		config->log_fd = -1;
	}
	r = publish_all(engine, config, err);
	if (r == 0)
		r = isolate_namespaces(!options->in_userns, err);
	return r == 0 ? isolate_seccomp(err) : r;
}

static int serve(const struct options *options, struct net_config *config, struct engine **ret,
                 struct err *err)
{
	struct source control = { .fd = options->control, .ready = control_ready_event };
	struct engine *engine;
	int tap;
	int r = isolate_limits(err);

	if (r == 0)
		r = control_read_config(options->control, config, err);
	if (r == 0)
		r = prepare(options, config, ret, err);
	if (r < 0)
		return r;
	engine = *ret;
	r = control_read_tap(options->control, &tap, 1, err);
	if (r < 0)
		return r;
	r = engine_attach(engine, tap, err);
	if (r == 0 && engine_watch(engine, &control, EPOLLIN | EPOLLRDHUP) < 0)
		r = err_text(err, errno, "network helper: watch its starter");
	if (r == 0)
		r = control_ready(options->control, err);
	return r == 0 ? engine_run(engine, err) : r;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0] ? argv[0] : "", '/');
	struct options options;
	struct net_config config;
	struct engine *engine = NULL;
	struct err err;
	int r;

	name = name ? name + 1 : argv[0] ? argv[0] : "";
	signal(SIGPIPE, SIG_IGN);
	if (strncmp(name, "slirp4netns", strlen("slirp4netns")) == 0)
		return s4n_main(argc, argv);
	if (parse_args(argc, argv, &options) < 0)
		return usage();
	net_config_init(&config);
	r = serve(&options, &config, &engine, &err);
	if (r < 0)
		control_error(options.control, &err);
	engine_free(engine);
	net_config_done(&config);
	return r < 0 ? 125 : 0;
}
