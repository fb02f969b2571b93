/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/gateway.h"

#include <string.h>

#include "net/filter.h"
#include "net/packet.h"

enum {
	ARP_OPERATION = 7,
	ARP_SENDER = 8, /* hardware address, then protocol address */
	ARP_TARGET = 18,
	ARP_PAIR = 10,
	ARP_LEN = 28,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

enum {
	ECHO_REPLY4 = 0,
	ECHO_REQUEST4 = 8,
	ECHO_REQUEST6 = 128,
	ECHO_REPLY6 = 129,
	SOLICITATION = 135,
	ADVERTISEMENT = 136,
	SOLICITATION_LEN = 24,
	ADVERTISEMENT_LEN = 32,
	FLAG_ROUTER = 0x80,
	FLAG_SOLICITED = 0x40,
	FLAG_OVERRIDE = 0x20,
	TARGET_LINK_ADDRESS = 2, /* an option of 8 bytes */
	HOP_LIMIT = 7,           /* where it is in the header of IPv6 */
};

static size_t answer_arp(const struct net_link *link, const uint8_t mac[6], uint8_t *data,
                         size_t len)
{
	uint8_t *arp = data + ETH_LEN;
	uint8_t *asked = arp + ARP_TARGET + 6;
	uint8_t addr[4];

	if (len < ETH_LEN + ARP_LEN || arp[ARP_OPERATION] != ARP_REQUEST ||
	    (memcmp(asked, link->host4.b + 12, 4) != 0 && memcmp(asked, link->dns4.b + 12, 4) != 0))
		return 0;
	memcpy(addr, asked, 4);
	memcpy(data, data + 6, 6);
	memcpy(data + 6, mac, 6);
	arp[ARP_OPERATION] = ARP_REPLY;
	memcpy(arp + ARP_TARGET, arp + ARP_SENDER, ARP_PAIR);
	memcpy(arp + ARP_SENDER, mac, 6);
	memcpy(arp + ARP_SENDER + 6, addr, 4);
	return ETH_LEN + ARP_LEN;
}

/* RFC 4861, 7.1.1: an option without a length, or with one that leads out of the message, makes the
 * whole of it invalid. */
static bool options_are_valid(const uint8_t *options, size_t len)
{
	while (len > 0) {
		size_t size = len < 8 ? 0 : (size_t)options[1] * 8;

		if (size == 0 || size > len)
			return false;
		options += size;
		len -= size;
	}
	return true;
}

static size_t answer_solicitation(const struct net_link *link, const uint8_t mac[6],
                                  struct frame *frame, uint8_t *data)
{
	static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const struct net_addr all_nodes = { { 0xff, 0x02, [15] = 1 } };
	static const struct net_addr nobody;
	struct packet_path ask = { .src = frame->src, .dst = frame->dst };
	struct packet_path path = { .dst_mac = data + 6, .src_mac = mac, .dst = frame->src };
	uint8_t *icmp = frame->payload;
	size_t len;

	if (frame->payload_len < SOLICITATION_LEN ||
	    packet_checksum(&ask, PROTO_ICMP6, icmp, frame->payload_len) != 0 ||
	    !options_are_valid(icmp + SOLICITATION_LEN, frame->payload_len - SOLICITATION_LEN))
		return 0;
	memcpy(path.src.b, icmp + 8, 16);
	if (!net_addr_equal(&path.src, &link->host6) && !net_addr_equal(&path.src, &link->dns6))
		return 0;
	memset(icmp, 0, 8);
	icmp[0] = ADVERTISEMENT;
	icmp[4] = FLAG_ROUTER | FLAG_SOLICITED | FLAG_OVERRIDE;
	if (net_addr_equal(&frame->src, &nobody)) {
		/* somebody who wants the address asks whether it is taken */
		icmp[4] = FLAG_ROUTER | FLAG_OVERRIDE;
		path.dst = all_nodes;
		path.dst_mac = all_nodes_mac;
	}
	icmp[24] = TARGET_LINK_ADDRESS;
	icmp[25] = 1;
	memcpy(icmp + 26, mac, 6);
	len = packet_seal(data, &path, PROTO_ICMP6, ADVERTISEMENT_LEN);
	data[ETH_LEN + HOP_LIMIT] = 255;
	return len;
}

static size_t answer_echo(const uint8_t mac[6], struct frame *frame, uint8_t *data)
{
	struct packet_path path = {
		.dst_mac = data + 6, .src_mac = mac, .src = frame->dst, .dst = frame->src
	};

	frame->payload[0] = frame->proto == PROTO_ICMP ? ECHO_REPLY4 : ECHO_REPLY6;
	return packet_seal(data, &path, frame->proto, frame->payload_len);
}

size_t gateway_answer(const struct net_link *link, const uint8_t mac[6], struct frame *frame,
                      uint8_t *data, size_t len)
{
	if (frame->proto == 0)
		return answer_arp(link, mac, data, len);
	if (frame->proto == PROTO_ICMP6 && frame->payload[0] == SOLICITATION)
		return answer_solicitation(link, mac, frame, data);
	if ((frame->proto == PROTO_ICMP && frame->payload[0] == ECHO_REQUEST4) ||
	    (frame->proto == PROTO_ICMP6 && frame->payload[0] == ECHO_REQUEST6))
		return answer_echo(mac, frame, data);
	return 0;
}
