/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* slirp4netns' command line as a structure. Pure but for getopt's own state. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/parse-net.h"

struct err;

struct s4n_args {
	bool help;
	bool version;
	bool configure;
	bool v6;
	bool no_loopback;
	bool no_dns;
	bool sandbox;
	bool seccomp;
	bool path;   /* target is a path, not a process id */
	int exit_fd; /* -1: none */
	int ready_fd;
	unsigned int mtu;
	struct net_cidr cidr;
	const char *api_socket;
	const char *userns_path;
	const char *outbound4; /* an address or the name of an interface */
	const char *outbound6;
	bool set_mac;
	uint8_t mac[6];
	const char *target;
	const char *tap;
};

/* 0, or -EINVAL with the reason. */
int s4n_args_parse(int argc, char **argv, struct s4n_args *ret, struct err *err);
