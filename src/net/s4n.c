/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * slirp4netns: the engine of sbx-net as that program (1.2): its command line, its readiness and
 * exit descriptors, its API socket. No policy of sbx's applies then, but the frame filter does; and
 * its stack is libslirp's, for the DHCP and the router advertisements of those who rely on them.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "net/config.h"
#include "net/dns.h"
#include "net/engine.h"
#include "net/isolate.h"
#include "net/loop.h"
#include "net/s4n-api.h"
#include "net/s4n-args.h"
#include "net/s4n-join.h"
#include "net/s4n-resolv.h"
#include "net/sockaddr.h"
#include "run/netdev.h"
#include "run/resolvers.h"

static void print_help(void)
{
	/* callers look for the names of options in here to learn what they may use */
	puts("Usage: slirp4netns [OPTION]... PID|PATH [TAPNAME]\n"
	     "User-mode networking for a network namespace (of sbx, in the place of that program).\n\n"
	     "-c, --configure           give the interface its addresses and bring it up\n"
	     "-e, --exit-fd=FD          exit when the other end of FD is closed\n"
	     "-r, --ready-fd=FD         write to FD when all is ready\n"
	     "-m, --mtu=MTU             MTU, at most 65521 (default 1500)\n"
	     "-6, --enable-ipv6         IPv6 as well\n"
	     "-a, --api-socket=PATH     take commands on this socket\n"
	     "--cidr=CIDR               the network (default 10.0.2.0/24)\n"
	     "--disable-host-loopback   the gateway does not stand for the host's 127.0.0.1\n"
	     "--disable-dns             no resolver at the network's third address\n"
	     "--netns-type=TYPE         what the target is: path or pid (default)\n"
	     "--userns-path=PATH        the user namespace to join first\n"
	     "--enable-sandbox          confine this process: namespaces, empty root, no capabilities\n"
	     "--enable-seccomp          confine this process: allow-list of system calls\n"
	     "--outbound-addr=ADDR      IPv4 address, or interface, to send from\n"
	     "--outbound-addr6=ADDR     the same for IPv6\n"
	     "--macaddress=MAC          of the interface (with --configure)\n"
	     "--target-type=netns       the only one\n"
	     "-h, --help                this text\n"
	     "-v, --version             the version");
}

/* An address, or the first one of that family that the named interface has. */
static int outbound(const char *text, bool v6, struct net_addr *ret, struct err *err)
{
	struct ifaddrs *list;
	unsigned short port;
	bool found = false;

	if (net_addr_parse(text, ret) == 0 && net_addr_is4(ret) != v6)
		return 0;
	if (getifaddrs(&list) < 0)
		return err_text(err, errno, "read the host's addresses");
	for (struct ifaddrs *ifa = list; ifa && !found; ifa = ifa->ifa_next)
		found = ifa->ifa_addr && strcmp(ifa->ifa_name, text) == 0 &&
		        ifa->ifa_addr->sa_family == (v6 ? AF_INET6 : AF_INET) &&
		        sockaddr_from(ifa->ifa_addr, ret, &port) == 0;
	freeifaddrs(list);
	if (!found)
		return err_text(err, 0,
		                "'%s' is neither an %s address nor an interface that has one", text,
		                v6 ? "IPv6" : "IPv4");
	return 0;
}

static int make_config(const struct s4n_args *args, struct net_config *config,
                       struct net_addr out[2], struct err *err)
{
	net_config_init(config);
	config->open = true;
	config->mtu = args->mtu;
	config->net4 = args->cidr;
	config->no_loopback = args->no_loopback;
	config->no_dns = args->no_dns;
	config->v6 = args->v6;
	if (args->v6)
		net_cidr_parse("fd00::/64", &config->net6);
	config->dns_count = resolvers_read(config->dns, NET_DNS_MAX);
	if (args->outbound4) {
		if (outbound(args->outbound4, false, &out[0], err) < 0)
			return -EINVAL;
		config->outbound4 = &out[0];
	}
	if (args->outbound6) {
		if (outbound(args->outbound6, true, &out[1], err) < 0)
			return -EINVAL;
		config->outbound6 = &out[1];
	}
	return 0;
}

static void exit_ready(struct engine *engine, struct source *source, uint32_t events)
{
	(void)source;
	if (events & (EPOLLHUP | EPOLLERR))
		engine->quit = true;
}

static int join_tap(const struct s4n_args *args, struct net_config *config, int *ret_tap,
                    struct err *err)
{
	int r;

	struct netdev_conf conf = { .mtu = args->mtu,
		                    .net4 = config->net4,
		                    .set_mac = args->set_mac };

	memcpy(conf.mac, args->mac, 6);
	conf.v6 = config->v6;
	conf.net6 = config->net6;
	snprintf(conf.name, sizeof(conf.name), "%s", args->tap);
	r = s4n_join_tap(args, &conf, ret_tap, err);
	/* whoever comes in before the sandbox has said anything goes there */
	memcpy(config->mac, conf.mac, 6);
	return r;
}

static int confine(const struct s4n_args *args, struct err *err)
{
	int r = isolate_limits(err);

	if (r == 0 && args->sandbox)
		r = isolate_namespaces(true, err);
	if (r == 0 && args->seccomp)
		r = isolate_seccomp(err);
	return r;
}

/* In the process that serves it, before that is confined. */
static int follow_resolvers(struct engine *engine, struct err *err)
{
	int sock;
	int r;

	if (!engine->dns)
		return 0;
	r = s4n_resolv_start(&sock, err);
	if (r < 0)
		return r;
	r = dns_follow(engine->dns, sock);
	return r < 0 ? err_text(err, -r, "follow the host's name servers") : 0;
}

static int run(const struct s4n_args *args, struct net_config *config, struct engine **ret,
               struct err *err)
{
	struct source exit_source = { .fd = args->exit_fd, .ready = exit_ready };
	struct engine *engine;
	int tap = -1;
	int r = join_tap(args, config, &tap, err);

	if (r == 0)
		r = loop_new(config, ret, err);
	if (r != 0)
		return r;
	engine = *ret;
	r = engine_attach(engine, tap, err);
	if (r == 0 && args->api_socket)
		r = s4n_api_listen(engine, args->api_socket, err);
	if (r == 0 && args->exit_fd >= 0 && engine_watch(engine, &exit_source, 0) < 0)
		r = err_text(err, errno, "watch descriptor %d", args->exit_fd);
	if (r == 0)
		r = follow_resolvers(engine, err);
	if (r == 0)
		r = confine(args, err);
	if (r < 0)
		return r;
	if (args->ready_fd >= 0) {
		if (write(args->ready_fd, "1", 1) != 1)
			return err_text(err, errno, "write to descriptor %d", args->ready_fd);
		close(args->ready_fd);
	}
	return loop_run(engine, err);
}

int main(int argc, char **argv)
{
	struct s4n_args args;
	struct net_config config;
	struct net_addr out[2];
	struct engine *engine = NULL;
	struct err err;
	char line[ERR_LINE_MAX];
	int r;

	if (isolate_begin() < 0)
		return 125;
	r = s4n_args_parse(argc, argv, &args, &err);
	if (r == 0 && args.help) {
		print_help();
		return 0;
	}
	if (r == 0 && args.version) {
		printf("slirp4netns version 1.2.0\ncommit: sbx-net\nlibslirp: %s\n"
		       "SLIRP_CONFIG_VERSION_MAX: %d\n",
		       slirp_version_string(), SLIRP_CONFIG_VERSION_MAX);
		return 0;
	}
	if (r == 0)
		r = make_config(&args, &config, out, &err);
	if (r == 0)
		r = run(&args, &config, &engine, &err);
	if (r < 0) {
		err_format(&err, PERSONALITY_NATIVE, line, sizeof(line));
		fprintf(stderr, "slirp4netns: %s\n", line);
	}
	loop_free(engine);
	return r < 0;
}
