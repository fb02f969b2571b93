/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames the helper makes itself, and the Internet checksum (RFC 1071). Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/parse-net.h"

enum {
	ETH_LEN = 14,
	IP4_LEN = 20,
	IP6_LEN = 40,
	UDP_LEN = 8,
	PACKET_MAX = ETH_LEN + 65535,
	VNET_LEN = 10, /* struct virtio_net_hdr, in front of each frame of the device's */
	PACKET_HEAD_MAX = ETH_LEN + IP6_LEN + UDP_LEN,
	PACKET_LOST_MAX = ETH_LEN + 2 * IP6_LEN + 16, /* a "destination unreachable" */
};

enum {
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMP6 = 58,
};

/* Where a packet goes, as the sandbox sees it. Ports in host order. */
struct packet_path {
	const uint8_t *dst_mac;
	const uint8_t *src_mac;
	struct net_addr src;
	struct net_addr dst;
	uint16_t sport;
	uint16_t dport;
	uint16_t id; /* IPv4 identification, for fragments */
};

/* The one's complement sum of data, folded to 16 bits and not inverted, in network order as it
 * lies in memory; start is what came before (at an even offset). */
uint32_t packet_sum(uint32_t start, const void *data, size_t len);

/* The checksum of an IP payload with its pseudo header: 0 when the one inside it is right. */
uint16_t packet_checksum(const struct packet_path *path, uint8_t proto, const void *data,
                         size_t len);

/* Writes headers in front of a payload that already lies at buf + packet_head(...): the length of
 * the whole frame. buf holds PACKET_MAX bytes. The kind is PROTO_UDP, PROTO_ICMP or PROTO_ICMP6;
 * for the latter two the payload is the whole ICMP message and gets its checksum. */
size_t packet_head(const struct packet_path *path, uint8_t proto);
size_t packet_seal(uint8_t *buf, const struct packet_path *path, uint8_t proto, size_t payload);

/* Cuts frame (IPv4, len bytes) into fragments that fit mtu and hands each to put(); an IPv6 frame
 * or one that fits is handed on as it is. The frame is changed on the way. */
void packet_fragment(uint8_t *frame, size_t len, unsigned int mtu,
                     void (*put)(void *data, const uint8_t *frame, size_t len), void *data);

/* The pseudo header's sum alone, not inverted. */
uint16_t packet_pseudo_sum(const struct packet_path *path, uint8_t proto, size_t len);

/* Writes the Ethernet and IP headers alone, for a payload of that many bytes. */
void packet_ip(uint8_t *buf, const struct packet_path *path, uint8_t proto, size_t payload);

/* Makes the "destination unreachable" for something the sandbox sent along a path; it comes from
 * where that was to go. buf holds PACKET_LOST_MAX bytes. */
enum packet_why { PACKET_NO_PORT, PACKET_NO_HOST, PACKET_NO_NET };
struct packet_lost {
	uint8_t proto; /* PROTO_UDP or PROTO_TCP */
	enum packet_why why;
	uint32_t seq; /* of TCP */
};
size_t packet_unreachable(uint8_t *buf, const struct packet_path *sent,
                          const struct packet_lost *lost);
