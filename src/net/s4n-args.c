/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/s4n-args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"

enum {
	OPT_CIDR = 256,
	OPT_NO_LOOPBACK,
	OPT_NETNS_TYPE,
	OPT_USERNS_PATH,
	OPT_SANDBOX,
	OPT_SECCOMP,
	OPT_OUTBOUND4,
	OPT_OUTBOUND6,
	OPT_NO_DNS,
	OPT_MAC,
	OPT_TARGET_TYPE,
	MTU_MIN = 68,
	MTU_MAX = 65521,
};

static const struct option longopts[] = {
	{ "configure", no_argument, NULL, 'c' },
	{ "exit-fd", required_argument, NULL, 'e' },
	{ "ready-fd", required_argument, NULL, 'r' },
	{ "mtu", required_argument, NULL, 'm' },
	{ "cidr", required_argument, NULL, OPT_CIDR },
	{ "disable-host-loopback", no_argument, NULL, OPT_NO_LOOPBACK },
	{ "no-host-loopback", no_argument, NULL, OPT_NO_LOOPBACK },
	{ "netns-type", required_argument, NULL, OPT_NETNS_TYPE },
	{ "userns-path", required_argument, NULL, OPT_USERNS_PATH },
	{ "api-socket", required_argument, NULL, 'a' },
	{ "enable-ipv6", no_argument, NULL, '6' },
	{ "enable-sandbox", no_argument, NULL, OPT_SANDBOX },
	{ "create-sandbox", no_argument, NULL, OPT_SANDBOX },
	{ "enable-seccomp", no_argument, NULL, OPT_SECCOMP },
	{ "outbound-addr", required_argument, NULL, OPT_OUTBOUND4 },
	{ "outbound-addr6", required_argument, NULL, OPT_OUTBOUND6 },
	{ "disable-dns", no_argument, NULL, OPT_NO_DNS },
	{ "macaddress", required_argument, NULL, OPT_MAC },
	{ "target-type", required_argument, NULL, OPT_TARGET_TYPE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ NULL, 0, NULL, 0 },
};

static int parse_mac(const char *text, uint8_t mac[6])
{
	unsigned int b[6];
	char end;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
	           &end) != 6 ||
	    b[0] & 1)
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return 0;
}

static int take_mtu(struct s4n_args *args, const char *value)
{
	uint64_t mtu;

	/* 65521 is what its own manual names, and one more than an Ethernet frame may carry here */
	if (parse_uint(value, MTU_MAX, &mtu) < 0 || mtu < MTU_MIN)
		return -EINVAL;
	args->mtu = mtu > NET_MTU_MAX ? NET_MTU_MAX : (unsigned int)mtu;
	return 0;
}

/* In the words that callers of slirp4netns look for. */
static int take_cidr(struct s4n_args *args, const char *value, struct err *err)
{
	const char *slash = strchr(value, '/');
	char text[NET_ADDR_MAX];
	struct net_addr addr;
	uint64_t bits;

	if (!slash || slash - value >= NET_ADDR_MAX || parse_uint(slash + 1, 32, &bits) < 0)
		return err_text(err, 0, "invalid CIDR: %s", value);
	snprintf(text, sizeof(text), "%.*s", (int)(slash - value), value);
	if (net_addr_parse(text, &addr) < 0 || !net_addr_is4(&addr))
		return err_text(err, 0, "invalid CIDR: %s", value);
	if (bits < 1 || bits > 25)
		return err_text(err, 0, "invalid CIDR: prefix length needs to be 1-25, not %s",
		                slash + 1);
	if (net_cidr_parse(value, &args->cidr) < 0)
		return err_text(err, 0,
		                "CIDR needs to be a network address like 10.0.2.0/24, not like %s",
		                value);
	return 0;
}

/* Options that take a value: 0, -EINVAL, or 1 for one that does not. */
static int take_value(struct s4n_args *args, int opt, const char *value, struct err *err)
{
	switch (opt) {
	case 'e':
		return parse_fd(value, &args->exit_fd);
	case 'r':
		return parse_fd(value, &args->ready_fd);
	case 'm':
		return take_mtu(args, value);
	case 'a':
		args->api_socket = value;
		return 0;
	case OPT_CIDR:
		return take_cidr(args, value, err);
	case OPT_USERNS_PATH:
		args->userns_path = value;
		return 0;
	case OPT_OUTBOUND4:
		args->outbound4 = value;
		return 0;
	case OPT_OUTBOUND6:
		args->outbound6 = value;
		return 0;
	case OPT_MAC:
		args->set_mac = true;
		return parse_mac(value, args->mac);
	case OPT_NETNS_TYPE:
		args->path = strcmp(value, "path") == 0;
		return args->path || strcmp(value, "pid") == 0 ? 0 : -EINVAL;
	case OPT_TARGET_TYPE:
		return strcmp(value, "netns") == 0 ? 0 : -EINVAL;
	default:
		return 1;
	}
}

static int take_flag(struct s4n_args *args, int opt)
{
	switch (opt) {
	case 'c':
		args->configure = true;
		return 0;
	case '6':
		args->v6 = true;
		return 0;
	case 'h':
		args->help = true;
		return 0;
	case 'v':
		args->version = true;
		return 0;
	case OPT_NO_LOOPBACK:
		args->no_loopback = true;
		return 0;
	case OPT_NO_DNS:
		args->no_dns = true;
		return 0;
	case OPT_SANDBOX:
		args->sandbox = true;
		return 0;
	case OPT_SECCOMP:
		args->seccomp = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int take_operands(struct s4n_args *args, int argc, char **argv, struct err *err)
{
	if (args->help || args->version)
		return 0;
	if (argc - optind < 1 || argc - optind > 2)
		return err_text(err, 0, "expected PID|PATH [TAPNAME]");
	args->target = argv[optind];
	args->tap = argc - optind == 2 ? argv[optind + 1] : "tap0";
	if (!*args->tap || strlen(args->tap) > 15 || strpbrk(args->tap, "/ "))
		return err_text(err, 0, "'%s' is no name for a network device", args->tap);
	if (args->set_mac && !args->configure)
		return err_text(err, 0, "--macaddress needs --configure");
	return 0;
}

int s4n_args_parse(int argc, char **argv, struct s4n_args *ret, struct err *err)
{
	int opt;

	err->step = STEP_NONE;
	*ret = (struct s4n_args){ .exit_fd = -1, .ready_fd = -1, .mtu = 1500 };
	net_cidr_parse("10.0.2.0/24", &ret->cidr);
	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, "ce:r:m:a:6hv", longopts, NULL)) != -1) {
		int r = opt == '?' ? -EINVAL : take_value(ret, opt, optarg, err);

		if (r == 1)
			r = take_flag(ret, opt);
		if (r < 0 && err->step != STEP_NONE)
			return r;
		if (r < 0)
			return err_text(err, 0, "option '%s'%s%s", argv[optind - 1],
			                optarg ? ": cannot use " : " is unknown or lacks its value",
			                optarg ? optarg : "");
	}
	return take_operands(ret, argc, argv, err);
}
