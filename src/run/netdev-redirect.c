/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fast path's end inside the sandbox: a listener on the loopback, and a rule that sends there
 * every TCP connection that would leave through the device. For the gateway and the resolver it
 * stays on the device. A payload that may change the rule only falls back to the device that way.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "core/cleanup.h"
#include "run/netdev.h"
#include "run/nlmsg.h"

enum { PRIORITY_DNAT = -100 };

static const char table_name[] = "sbx";

static void begin(struct nlmsg *msg, int type, uint16_t flags, uint8_t family)
{
	struct nfgenmsg head = { .nfgen_family = family, .version = NFNETLINK_V0 };

	nlmsg_begin(msg, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &head, sizeof(head));
}

static void batch(struct nlmsg *msg, uint16_t type)
{
	struct nfgenmsg head = { .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	nlmsg_begin(msg, type, 0, &head, sizeof(head));
}

static void put_data(struct nlmsg *msg, uint16_t type, const void *data, size_t size)
{
	size_t nest = nlmsg_nest(msg, type);

	nlmsg_put(msg, NFTA_DATA_VALUE, data, size);
	nlmsg_nest_end(msg, nest);
}

struct expr {
	size_t elem, data;
};

static struct expr expr_begin(struct nlmsg *msg, const char *name)
{
	struct expr expr = { .elem = nlmsg_nest(msg, NFTA_LIST_ELEM) };

	nlmsg_put_str(msg, NFTA_EXPR_NAME, name);
	expr.data = nlmsg_nest(msg, NFTA_EXPR_DATA);
	return expr;
}

static void expr_end(struct nlmsg *msg, struct expr expr)
{
	nlmsg_nest_end(msg, expr.data);
	nlmsg_nest_end(msg, expr.elem);
}

static void compare(struct nlmsg *msg, uint32_t op, const void *data, size_t size)
{
	struct expr expr = expr_begin(msg, "cmp");

	nlmsg_put_be32(msg, NFTA_CMP_SREG, NFT_REG_1);
	nlmsg_put_be32(msg, NFTA_CMP_OP, op);
	put_data(msg, NFTA_CMP_DATA, data, size);
	expr_end(msg, expr);
}

static void match_meta(struct nlmsg *msg, uint32_t key, const void *value, size_t size)
{
	struct expr expr = expr_begin(msg, "meta");

	nlmsg_put_be32(msg, NFTA_META_DREG, NFT_REG_1);
	nlmsg_put_be32(msg, NFTA_META_KEY, key);
	expr_end(msg, expr);
	compare(msg, NFT_CMP_EQ, value, size);
}

/* Destination not in the sandbox's own network. */
static void match_outside(struct nlmsg *msg, const struct net_cidr *net)
{
	bool v4 = net_addr_is4(&net->addr);
	size_t skip = v4 ? 12 : 0;
	unsigned int bits = net->prefix - (v4 ? NET_PREFIX4 : 0);
	uint8_t mask[16] = { 0 };
	static const uint8_t zero[16];
	struct expr expr = expr_begin(msg, "payload");

	nlmsg_put_be32(msg, NFTA_PAYLOAD_DREG, NFT_REG_1);
	nlmsg_put_be32(msg, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nlmsg_put_be32(msg, NFTA_PAYLOAD_OFFSET, v4 ? 16 : 24);
	nlmsg_put_be32(msg, NFTA_PAYLOAD_LEN, (uint32_t)(16 - skip));
	expr_end(msg, expr);
	for (unsigned int i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	expr = expr_begin(msg, "bitwise");
	nlmsg_put_be32(msg, NFTA_BITWISE_SREG, NFT_REG_1);
	nlmsg_put_be32(msg, NFTA_BITWISE_DREG, NFT_REG_1);
	nlmsg_put_be32(msg, NFTA_BITWISE_LEN, (uint32_t)(16 - skip));
	put_data(msg, NFTA_BITWISE_MASK, mask, 16 - skip);
	put_data(msg, NFTA_BITWISE_XOR, zero, 16 - skip);
	expr_end(msg, expr);
	compare(msg, NFT_CMP_NEQ, net->addr.b + skip, 16 - skip);
}

static void redirect_to(struct nlmsg *msg, uint16_t port_be)
{
	struct expr expr = expr_begin(msg, "immediate");

	nlmsg_put_be32(msg, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	put_data(msg, NFTA_IMMEDIATE_DATA, &port_be, sizeof(port_be));
	expr_end(msg, expr);
	expr = expr_begin(msg, "redir");
	nlmsg_put_be32(msg, NFTA_REDIR_REG_PROTO_MIN, NFT_REG_1);
	expr_end(msg, expr);
}

static void put_chain(struct nlmsg *msg, uint8_t family)
{
	size_t hook;

	begin(msg, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, family);
	nlmsg_put_str(msg, NFTA_TABLE_NAME, table_name);
	begin(msg, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, family);
	nlmsg_put_str(msg, NFTA_CHAIN_TABLE, table_name);
	nlmsg_put_str(msg, NFTA_CHAIN_NAME, "output");
	hook = nlmsg_nest(msg, NFTA_CHAIN_HOOK);
	nlmsg_put_be32(msg, NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT);
	nlmsg_put_be32(msg, NFTA_HOOK_PRIORITY, (uint32_t)PRIORITY_DNAT);
	nlmsg_nest_end(msg, hook);
	nlmsg_put_str(msg, NFTA_CHAIN_TYPE, "nat");
}

static int add_rule(const struct net_cidr *net, uint32_t index, uint16_t port_be)
{
	struct nlmsg msg = { 0 };
	cleanup_fd int fd = nlmsg_socket(NETLINK_NETFILTER);
	uint8_t family = net_addr_is4(&net->addr) ? NFPROTO_IPV4 : NFPROTO_IPV6;
	uint8_t tcp = IPPROTO_TCP;
	size_t list;

	if (fd < 0)
		return fd;
	batch(&msg, NFNL_MSG_BATCH_BEGIN);
	put_chain(&msg, family);
	begin(&msg, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK, family);
	nlmsg_put_str(&msg, NFTA_RULE_TABLE, table_name);
	nlmsg_put_str(&msg, NFTA_RULE_CHAIN, "output");
	list = nlmsg_nest(&msg, NFTA_RULE_EXPRESSIONS);
	match_meta(&msg, NFT_META_OIF, &index, sizeof(index));
	match_meta(&msg, NFT_META_L4PROTO, &tcp, sizeof(tcp));
	match_outside(&msg, net);
	redirect_to(&msg, port_be);
	nlmsg_nest_end(&msg, list);
	batch(&msg, NFNL_MSG_BATCH_END);
	return nlmsg_exchange(&msg, fd);
}

int netdev_redirect(const struct netdev_conf *conf, bool v6, int *ret_fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr *sa = v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
	socklen_t len = v6 ? sizeof(in6) : sizeof(in);
	cleanup_fd int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	in6.sin6_addr = in6addr_loopback;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* what is accepted takes this along. This hop never loses anything: to pace it, as BBR does
	 * where that is the host's choice, only costs timers */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", strlen("reno"));
	if (bind(fd, sa, len) < 0 || listen(fd, SOMAXCONN) < 0 || getsockname(fd, sa, &len) < 0)
		return -errno;
	r = add_rule(v6 ? &conf->net6 : &conf->net4, if_nametoindex(conf->name),
	             v6 ? in6.sin6_port : in.sin_port);
	if (r == 0)
		*ret_fd = steal_fd(&fd);
	return r;
}
