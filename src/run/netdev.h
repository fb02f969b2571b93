/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's end of its network: a device whose other end is a descriptor for the helper. Each
 * frame read from it and written to it has a struct virtio_net_hdr in front, so that the sandbox's
 * kernel can leave checksums, and the cutting of TCP streams into packets, to the other side.
 * Works in the current network namespace, with CAP_NET_ADMIN over it, and must run before the
 * host's /dev is out of sight.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/parse-net.h"

struct err;

struct netdev_conf {
	char name[16];
	unsigned int mtu;
	bool set_mac; /* otherwise the kernel chooses, and mac is filled in */
	uint8_t mac[6];
	struct net_cidr net4; /* guest .100, gateway .2 */
	bool v6;
	struct net_cidr net6; /* guest ::100, gateway ::2 */
};

/* Makes the device, by /dev/net/tun or else by a veth pair, and returns the descriptor on which
 * whole Ethernet frames are read and written. conf->mac holds its address then. */
int netdev_open(struct netdev_conf *conf, int *ret_fd, struct err *err);

/* The two ways by themselves. */
int netdev_open_tap(struct netdev_conf *conf, int *ret_fd, struct err *err);
int netdev_open_veth(struct netdev_conf *conf, int *ret_fd, struct err *err);

/* Fills in conf->mac with what conf->name has. Returns 0 or -errno. */
int netdev_read_mac(struct netdev_conf *conf);

/* Lets ordinary users in there bind any port and ping: both are only a matter of this namespace.
 * proc_fd is a /proc, gid as the current user namespace knows it. What the kernel refuses stays as
 * it was. */
void netdev_relax(int proc_fd, unsigned int gid);

/* Sends TCP connections of one family that leave through the device to a listener on the loopback,
 * which goes to *ret_fd. -errno where the kernel lacks what it takes: the device serves them then.
 */
int netdev_redirect(const struct netdev_conf *conf, bool v6, int *ret_fd);

/* Brings lo and the device up, gives it its addresses and the default routes. */
int netdev_configure(const struct netdev_conf *conf, struct err *err);
