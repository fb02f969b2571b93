/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "run/nlmsg.h"

int netdev_read_mac(struct netdev_conf *conf)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };

	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, conf->name, sizeof(conf->name));
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	memcpy(conf->mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}

static int write_mac(int fd, const struct netdev_conf *conf)
{
	struct ifreq ifr = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

	memcpy(ifr.ifr_name, conf->name, sizeof(conf->name));
	memcpy(ifr.ifr_hwaddr.sa_data, conf->mac, 6);
	return ioctl(fd, SIOCSIFHWADDR, &ifr) < 0 ? -errno : 0;
}

int netdev_open_tap(struct netdev_conf *conf, int *ret_fd, struct err *err)
{
	/* the device belongs to the network namespace in which this open() happens */
	cleanup_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int r;

	if (fd < 0)
		return err_text(err, errno, "open /dev/net/tun");
	memcpy(ifr.ifr_name, conf->name, sizeof(conf->name));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		return err_text(err, errno, "make the network device '%s'", conf->name);
	if (conf->set_mac) {
		cleanup_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		r = sock < 0 ? -errno : write_mac(sock, conf);
	} else {
		r = netdev_read_mac(conf);
	}
	if (r < 0)
		return err_text(err, -r, "hardware address of '%s'", conf->name);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int netdev_open(struct netdev_conf *conf, int *ret_fd, struct err *err)
{
	struct err veth;
	int r = netdev_open_tap(conf, ret_fd, err);

	if (r != -ENOENT && r != -EACCES && r != -EPERM && r != -ENODEV && r != -ENXIO)
		return r;
	if (netdev_open_veth(conf, ret_fd, &veth) == 0)
		return 0;
	return err_text(
		err, -r,
		"make a network device: /dev/net/tun cannot be opened (ask for 'modprobe tun' and "
		"mode 0666, or a device cgroup that allows 10:200), nor can a veth pair stand in for it");
}

static void write_sysctl(int dir, const char *path, const char *text)
{
	cleanup_fd int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, text, strlen(text));
}

void netdev_relax(int proc_fd, unsigned int gid)
{
	char range[32];

	snprintf(range, sizeof(range), "%u %u", gid, gid);
	write_sysctl(proc_fd, "sys/net/ipv4/ping_group_range", range);
	write_sysctl(proc_fd, "sys/net/ipv4/ip_unprivileged_port_start", "0");
}

static int link_up(struct nlmsg *msg, int fd, int index, unsigned int mtu)
{
	struct ifinfomsg info = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	nlmsg_reset(msg);
	nlmsg_begin(msg, RTM_NEWLINK, NLM_F_ACK, &info, sizeof(info));
	if (mtu)
		nlmsg_put_u32(msg, IFLA_MTU, mtu);
	return nlmsg_exchange(msg, fd);
}

/* The bytes of an address as its own family counts them. */
static const uint8_t *raw(const struct net_addr *addr, size_t *size)
{
	*size = net_addr_is4(addr) ? 4 : 16;
	return addr->b + 16 - *size;
}

static int add_address(struct nlmsg *msg, int fd, int index, const struct net_cidr *net)
{
	struct net_addr addr = net_cidr_host(net, 100);
	bool v4 = net_addr_is4(&addr);
	struct ifaddrmsg ifa = {
		.ifa_family = v4 ? AF_INET : AF_INET6,
		.ifa_prefixlen = (uint8_t)(net->prefix - (v4 ? NET_PREFIX4 : 0)),
		.ifa_index = (unsigned int)index,
	};
	size_t size;
	const uint8_t *bytes = raw(&addr, &size);

	nlmsg_reset(msg);
	nlmsg_begin(msg, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &ifa, sizeof(ifa));
	nlmsg_put(msg, IFA_LOCAL, bytes, size);
	nlmsg_put(msg, IFA_ADDRESS, bytes, size);
	if (!v4) /* nobody else is on this wire, so do not wait a second to find out */
		nlmsg_put_u32(msg, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	return nlmsg_exchange(msg, fd);
}

static int add_route(struct nlmsg *msg, int fd, int index, const struct net_cidr *to,
                     const struct net_addr *gateway)
{
	bool v4 = net_addr_is4(&to->addr);
	struct rtmsg rtm = {
		.rtm_family = v4 ? AF_INET : AF_INET6,
		.rtm_dst_len = (uint8_t)(to->prefix - (v4 ? NET_PREFIX4 : 0)),
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST,
	};
	size_t size;
	const uint8_t *bytes;

	nlmsg_reset(msg);
	nlmsg_begin(msg, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &rtm, sizeof(rtm));
	bytes = raw(&to->addr, &size);
	if (rtm.rtm_dst_len)
		nlmsg_put(msg, RTA_DST, bytes, size);
	if (gateway) {
		bytes = raw(gateway, &size);
		nlmsg_put(msg, RTA_GATEWAY, bytes, size);
	}
	nlmsg_put_u32(msg, RTA_OIF, (uint32_t)index);
	return nlmsg_exchange(msg, fd);
}

/* Router advertisements have nothing to say here, and would only delay or change things (who does
 * not accept them solicits none, and makes no address of them: ip-sysctl of the kernel); and a host
 * may have IPv6 off for new devices. */
static void prepare_ipv6(const struct netdev_conf *conf)
{
	static const char *const files[] = { "accept_ra", "disable_ipv6" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[96];

		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", conf->name, files[i]);
		write_sysctl(AT_FDCWD, path, "0");
	}
}

static int configure_with(struct nlmsg *msg, int fd, const struct netdev_conf *conf,
                          const char **step)
{
	struct net_cidr any = { .prefix = NET_PREFIX4 };
	struct net_addr gateway = net_cidr_host(&conf->net4, 2);
	int index = (int)if_nametoindex(conf->name);
	int r;

	*step = "find";
	if (index == 0)
		return -errno;
	if (conf->v6)
		prepare_ipv6(conf);
	*step = "bring up";
	r = link_up(msg, fd, 1, 0);
	if (r == 0)
		r = link_up(msg, fd, index, conf->mtu);
	if (r < 0)
		return r;
	*step = "give an IPv4 address to";
	r = add_address(msg, fd, index, &conf->net4);
	if (r < 0)
		return r;
	*step = "route IPv4 through";
	net_addr_parse("0.0.0.0", &any.addr);
	r = add_route(msg, fd, index, &any, &gateway);
	if (r < 0 || !conf->v6)
		return r;
	*step = "give an IPv6 address to";
	r = add_address(msg, fd, index, &conf->net6);
	if (r < 0)
		return r;
	*step = "route IPv6 through";
	r = add_route(msg, fd, index, &conf->net6, NULL);
	if (r < 0)
		return r;
	any = (struct net_cidr){ 0 };
	gateway = net_cidr_host(&conf->net6, 2);
	return add_route(msg, fd, index, &any, &gateway);
}

int netdev_configure(const struct netdev_conf *conf, struct err *err)
{
	struct nlmsg msg = { 0 };
	cleanup_fd int fd = nlmsg_socket(NETLINK_ROUTE);
	const char *step = "talk to";
	int r = fd < 0 ? fd : configure_with(&msg, fd, conf, &step);

	if (r < 0)
		return err_text(err, -r, "%s the network device '%s'", step, conf->name);
	return 0;
}
