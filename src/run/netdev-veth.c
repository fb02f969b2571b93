/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where there is no /dev/net/tun: a veth pair between the sandbox's network namespace and another
 * one that nothing else lives in, and a packet(7) socket there. The socket keeps that namespace,
 * and with it the pair, for as long as the helper has it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "run/netdev.h"
#include "run/nlmsg.h"

/* In the helper's namespace: a pair whose other end is put into the sandbox's, up, at the MTU. */
static int make_pair(const struct netdev_conf *conf, int sandbox_ns)
{
	struct nlmsg msg = { 0 };
	struct ifinfomsg info = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct ifinfomsg peer = { 0 };
	cleanup_fd int fd = nlmsg_socket(NETLINK_ROUTE);
	size_t link;
	size_t data;
	size_t other;

	if (fd < 0)
		return fd;
	nlmsg_begin(&msg, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	nlmsg_put_str(&msg, IFLA_IFNAME, "helper");
	nlmsg_put_u32(&msg, IFLA_MTU, conf->mtu);
	link = nlmsg_nest(&msg, IFLA_LINKINFO);
	nlmsg_put_str(&msg, IFLA_INFO_KIND, "veth");
	data = nlmsg_nest(&msg, IFLA_INFO_DATA);
	other = nlmsg_nest(&msg, VETH_INFO_PEER);
	/* the peer's attributes follow a header of its own */
	nlmsg_put_raw(&msg, &peer, sizeof(peer));
	nlmsg_put_str(&msg, IFLA_IFNAME, conf->name);
	nlmsg_put_u32(&msg, IFLA_MTU, conf->mtu);
	if (conf->set_mac)
		nlmsg_put(&msg, IFLA_ADDRESS, conf->mac, 6);
	nlmsg_put_u32(&msg, IFLA_NET_NS_FD, (uint32_t)sandbox_ns);
	nlmsg_nest_end(&msg, other);
	nlmsg_nest_end(&msg, data);
	nlmsg_nest_end(&msg, link);
	return nlmsg_exchange(&msg, fd);
}

static int packet_socket(int *ret)
{
	cleanup_fd int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_ll sa = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int on = 1;
	int size = 4 << 20;

	if (fd < 0)
		return -errno;
	sa.sll_ifindex = (int)if_nametoindex("helper");
	if (sa.sll_ifindex == 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	/* more room is a matter of speed only */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	*ret = steal_fd(&fd);
	return 0;
}

int netdev_open_veth(struct netdev_conf *conf, int *ret_fd, struct err *err)
{
	cleanup_fd int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	cleanup_fd int sock = -1;
	int r;

	if (home < 0)
		return err_text(err, errno, "open /proc/self/ns/net");
	if (unshare(CLONE_NEWNET) < 0)
		return err_text(err, errno,
		                "create a network namespace for the helper's end of a veth pair");
	r = make_pair(conf, home);
	if (r == 0)
		r = packet_socket(&sock);
	if (setns(home, CLONE_NEWNET) < 0)
		return err_text(err, errno, "return to the sandbox's network namespace");
	if (r == 0)
		r = netdev_read_mac(conf);
	if (r < 0)
		return err_text(err, -r, "make the veth pair '%s'", conf->name);
	*ret_fd = steal_fd(&sock);
	return 0;
}
