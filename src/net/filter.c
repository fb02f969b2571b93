/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/filter.h"

#include <string.h>

#include "net/packet.h"

enum {
	TYPE_IP4 = 0x0800,
	TYPE_ARP = 0x0806,
	TYPE_IP6 = 0x86dd,
	ARP_LEN = 28,
	PORT_TFTP = 69,
	PORT_BOOTPS = 67,
	PORT_BOOTPC = 68,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void drop(struct frame *frame, const char *why)
{
	frame->kind = FRAME_DROP;
	frame->why = why;
}

static struct net_addr addr4(const uint8_t *p)
{
	struct net_addr addr = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };

	memcpy(addr.b + 12, p, 4);
	return addr;
}

static bool source4_ok(const struct net_link *link, const struct net_addr *src)
{
	if (net_addr_equal(src, &link->guest4))
		return true;
	return link->loose && net_cidr_has(&link->net4, src) &&
	       !net_addr_equal(src, &link->host4) && !net_addr_equal(src, &link->dns4);
}

static void filter_arp(const struct net_link *link, const uint8_t *eth, size_t len,
                       struct frame *frame)
{
	static const uint8_t fixed[] = { 0, 1, 8, 0, 6, 4, 0 }; /* Ethernet, IPv4 */
	const uint8_t *arp = eth + ETH_LEN;
	struct net_addr sender;

	if (len < ETH_LEN + ARP_LEN || memcmp(arp, fixed, sizeof(fixed)) != 0 ||
	    (arp[7] != 1 && arp[7] != 2))
		return drop(frame, "malformed ARP");
	if (memcmp(arp + 8, eth + 6, 6) != 0)
		return drop(frame, "spoofed ARP");
	sender = addr4(arp + 14);
	if (!source4_ok(link, &sender) && get16(arp + 14) + get16(arp + 16) != 0)
		return drop(frame, "spoofed ARP");
	frame->kind = FRAME_STACK;
}

static void filter_tcp(uint8_t *tcp, size_t len, struct frame *frame)
{
	size_t head;

	if (len < 20)
		return drop(frame, "short TCP");
	head = (size_t)(tcp[12] >> 4) * 4;
	if (head < 20 || head > len)
		return drop(frame, "malformed TCP");
	frame->sport = get16(tcp);
	frame->dport = get16(tcp + 2);
	frame->payload = tcp;
	frame->payload_len = len;
	frame->kind = FRAME_TCP;
}

static void filter_udp(uint8_t *udp, size_t len, struct frame *frame)
{
	struct packet_path path = { .src = frame->src, .dst = frame->dst };

	if (len < UDP_LEN || get16(udp + 4) != len)
		return drop(frame, "malformed UDP");
	frame->sport = get16(udp);
	frame->dport = get16(udp + 2);
	if (frame->dport == PORT_BOOTPS || frame->dport == PORT_BOOTPC || frame->dport == PORT_TFTP)
		return drop(frame, "BOOTP or TFTP");
	if (frame->dport == 0)
		return drop(frame, "UDP to port 0");
	if ((get16(udp + 6) || !net_addr_is4(&frame->src)) &&
	    packet_checksum(&path, PROTO_UDP, udp, len) != 0)
		return drop(frame, "bad UDP checksum");
	frame->payload = udp + UDP_LEN;
	frame->payload_len = len - UDP_LEN;
	frame->kind = FRAME_UDP;
}

static void filter_echo(uint8_t *icmp, size_t len, struct frame *frame)
{
	struct packet_path path = { .src = frame->src, .dst = frame->dst };

	if (len < 8)
		return drop(frame, "short ICMP");
	if (icmp[1] != 0 || packet_checksum(&path, frame->proto, icmp, len) != 0)
		return drop(frame, "malformed echo");
	frame->sport = get16(icmp + 4);
	frame->payload = icmp;
	frame->payload_len = len;
	frame->kind = FRAME_ECHO;
}

static void filter_payload(uint8_t *payload, size_t len, struct frame *frame)
{
	if (frame->proto == PROTO_TCP)
		return filter_tcp(payload, len, frame);
	if (frame->proto == PROTO_UDP)
		return filter_udp(payload, len, frame);
	if (len &&
	    ((frame->proto == PROTO_ICMP && payload[0] == 8 && net_addr_is4(&frame->src)) ||
	     (frame->proto == PROTO_ICMP6 && payload[0] == 128 && !net_addr_is4(&frame->src))))
		return filter_echo(payload, len, frame);
	drop(frame, "protocol, or extension header");
}

/* Where a packet may go at all. Everything else about destinations is policy. */
static const char *bad_dest4(const struct net_link *link, const struct net_addr *dst)
{
	const uint8_t *ip = dst->b + 12;

	if (ip[0] == 0 || ip[0] == 127)
		return "martian destination";
	if (ip[0] >= 240)
		return "broadcast";
	if (net_cidr_has(&link->net4, dst) && !net_addr_equal(dst, &link->host4) &&
	    !net_addr_equal(dst, &link->dns4))
		return "destination in the sandbox's own network";
	return NULL;
}

static bool is_dhcp(const struct net_link *link, const uint8_t *ip, size_t len)
{
	const uint8_t *udp = ip + IP4_LEN;

	return link->loose && ip[9] == PROTO_UDP && len >= IP4_LEN + UDP_LEN + 236 &&
	       get16(udp) == PORT_BOOTPC && get16(udp + 2) == PORT_BOOTPS &&
	       get16(udp + 4) == len - IP4_LEN;
}

static void filter_ip4(const struct net_link *link, uint8_t *eth, size_t len, struct frame *frame)
{
	uint8_t *ip = eth + ETH_LEN;
	const char *why;
	size_t total;

	if (len < ETH_LEN + IP4_LEN || ip[0] != 0x45)
		return drop(frame, "malformed IPv4, or options");
	total = get16(ip + 2);
	if (total < IP4_LEN || total > len - ETH_LEN)
		return drop(frame, "malformed IPv4");
	if (get16(ip + 6) & 0xbfff)
		return drop(frame, "fragment");
	frame->src = addr4(ip + 12);
	frame->dst = addr4(ip + 16);
	frame->proto = ip[9];
	if (frame->dst.b[12] >= 224 && frame->dst.b[12] < 240)
		return drop(frame, NULL); /* multicast, which every kernel sends some of */
	if (is_dhcp(link, ip, total)) {
		frame->kind = FRAME_STACK;
		return;
	}
	if (!source4_ok(link, &frame->src))
		return drop(frame, "spoofed source");
	why = bad_dest4(link, &frame->dst);
	if (why)
		return drop(frame, why);
	filter_payload(ip + IP4_LEN, total - IP4_LEN, frame);
}

static bool is_link_local(const struct net_addr *addr)
{
	return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
}

static bool source6_ok(const struct net_link *link, const struct net_addr *src, bool neighbour)
{
	static const struct net_addr zero;

	if (net_addr_equal(src, &link->guest6))
		return true;
	if (neighbour && (is_link_local(src) || net_addr_equal(src, &zero)))
		return true;
	return link->loose && net_cidr_has(&link->net6, src) &&
	       !net_addr_equal(src, &link->host6) && !net_addr_equal(src, &link->dns6);
}

static const char *bad_dest6(const struct net_link *link, const struct net_addr *dst)
{
	static const uint8_t zero[12];

	if (memcmp(dst->b, zero, 12) == 0 || net_addr_is4(dst))
		return "martian destination"; /* ::, ::1, ::a.b.c.d, ::ffff:a.b.c.d */
	if (is_link_local(dst))
		return "link-local destination";
	if (net_cidr_has(&link->net6, dst) && !net_addr_equal(dst, &link->host6) &&
	    !net_addr_equal(dst, &link->dns6))
		return "destination in the sandbox's own network";
	return NULL;
}

/* Router and neighbour solicitation, neighbour advertisement: RFC 4861 wants hop limit 255. */
static bool is_neighbour(const uint8_t *ip, size_t len)
{
	const uint8_t *icmp = ip + IP6_LEN;

	return ip[6] == PROTO_ICMP6 && ip[7] == 255 && len >= IP6_LEN + 8 && icmp[1] == 0 &&
	       (icmp[0] == 133 || icmp[0] == 135 || icmp[0] == 136);
}

static void filter_ip6(const struct net_link *link, uint8_t *eth, size_t len, struct frame *frame)
{
	uint8_t *ip = eth + ETH_LEN;
	const char *why;
	size_t total;
	bool neighbour;

	if (len < ETH_LEN + IP6_LEN || ip[0] >> 4 != 6)
		return drop(frame, "malformed IPv6");
	total = (size_t)get16(ip + 4) + IP6_LEN;
	if (total > len - ETH_LEN)
		return drop(frame, "malformed IPv6");
	memcpy(frame->src.b, ip + 8, 16);
	memcpy(frame->dst.b, ip + 24, 16);
	frame->proto = ip[6];
	neighbour = is_neighbour(ip, total);
	if (frame->dst.b[0] == 0xff && !neighbour)
		return drop(frame, NULL); /* every kernel sends some */
	if (!source6_ok(link, &frame->src, neighbour))
		return drop(frame, "spoofed source");
	if (neighbour) {
		frame->payload = ip + IP6_LEN;
		frame->payload_len = total - IP6_LEN;
		frame->kind = FRAME_STACK;
		return;
	}
	why = bad_dest6(link, &frame->dst);
	if (why)
		return drop(frame, why);
	filter_payload(ip + IP6_LEN, total - IP6_LEN, frame);
}

void filter_frame(const struct net_link *link, uint8_t *data, size_t len, struct frame *ret)
{
	*ret = (struct frame){ .kind = FRAME_DROP };
	if (len < ETH_LEN || len > PACKET_MAX)
		return drop(ret, "frame size");
	if (data[6] & 1 || (!link->loose && memcmp(data + 6, link->mac, 6) != 0))
		return drop(ret, "spoofed MAC address");
	switch (get16(data + 12)) {
	case TYPE_ARP:
		return filter_arp(link, data, len, ret);
	case TYPE_IP4:
		filter_ip4(link, data, len, ret);
		break;
	case TYPE_IP6:
		if (link->v6)
			filter_ip6(link, data, len, ret);
		else
			drop(ret, NULL);
		break;
	default:
		drop(ret, "ethertype");
	}
	if (ret->kind == FRAME_ECHO &&
	    (net_addr_equal(&ret->dst, &link->host4) || net_addr_equal(&ret->dst, &link->dns4) ||
	     net_addr_equal(&ret->dst, &link->host6) || net_addr_equal(&ret->dst, &link->dns6)))
		ret->kind = FRAME_STACK;
}
