/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/parse-net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool net_addr_is4(const struct net_addr *addr)
{
	return memcmp(addr->b, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int net_addr_parse(const char *text, struct net_addr *ret)
{
	struct net_addr addr;

	if (strchr(text, ':')) {
		if (inet_pton(AF_INET6, text, addr.b) != 1)
			return -EINVAL;
	} else {
		memcpy(addr.b, v4_mapped, sizeof(v4_mapped));
		if (inet_pton(AF_INET, text, addr.b + 12) != 1)
			return -EINVAL;
	}
	*ret = addr;
	return 0;
}

void net_addr_format(const struct net_addr *addr, char buf[NET_ADDR_MAX])
{
	if (net_addr_is4(addr))
		inet_ntop(AF_INET, addr->b + 12, buf, NET_ADDR_MAX);
	else
		inet_ntop(AF_INET6, addr->b, buf, NET_ADDR_MAX);
}

static bool prefix_equal(const struct net_addr *a, const struct net_addr *b, unsigned int bits)
{
	unsigned int whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> (bits % 8));

	if (memcmp(a->b, b->b, whole) != 0)
		return false;
	return bits % 8 == 0 || ((a->b[whole] ^ b->b[whole]) & mask) == 0;
}

bool net_cidr_has(const struct net_cidr *net, const struct net_addr *addr)
{
	return prefix_equal(&net->addr, addr, net->prefix);
}

bool net_cidr_overlap(const struct net_cidr *a, const struct net_cidr *b)
{
	return prefix_equal(&a->addr, &b->addr, a->prefix < b->prefix ? a->prefix : b->prefix);
}

struct net_addr net_cidr_host(const struct net_cidr *net, uint8_t last)
{
	struct net_addr addr = net->addr;

	if (net_addr_is4(&addr)) {
		addr.b[15] |= last;
		return addr;
	}
	/* read the same in both families: 10.0.2.100, fd00::100 */
	addr.b[14] = last / 100;
	addr.b[15] = (uint8_t)((last / 10 % 10) << 4 | last % 10);
	return addr;
}

static bool host_bits_zero(const struct net_cidr *net)
{
	static const struct net_addr zero;
	struct net_addr masked = net->addr;
	unsigned int whole = net->prefix / 8;

	if (net->prefix == 128)
		return true;
	memset(masked.b, 0, whole);
	masked.b[whole] &= (uint8_t)(0xff >> (net->prefix % 8));
	return net_addr_equal(&masked, &zero);
}

int net_cidr_parse(const char *text, struct net_cidr *ret)
{
	const char *slash = strchr(text, '/');
	struct net_cidr net = { .prefix = 128 };
	char addr[NET_ADDR_MAX];
	uint64_t bits;

	if (slash) {
		if ((size_t)(slash - text) >= sizeof(addr))
			return -EINVAL;
		memcpy(addr, text, (size_t)(slash - text));
		addr[slash - text] = '\0';
		text = addr;
	}
	if (net_addr_parse(text, &net.addr) < 0)
		return -EINVAL;
	if (slash) {
		unsigned int base = strchr(text, ':') ? 0 : NET_PREFIX4;

		if (parse_uint(slash + 1, 128 - base, &bits) < 0)
			return -EINVAL;
		net.prefix = base + (unsigned int)bits;
	}
	if (!host_bits_zero(&net))
		return -EINVAL;
	*ret = net;
	return 0;
}

int net_mtu_parse(const char *text, unsigned int *ret)
{
	uint64_t value;

	if (parse_uint(text, NET_MTU_MAX, &value) < 0 || value < NET_MTU_MIN)
		return -EINVAL;
	*ret = (unsigned int)value;
	return 0;
}

/* One N or N-M of len characters, each at least min. */
static int parse_range(const char *text, size_t len, uint16_t min, struct net_ports *ret)
{
	char buf[12];
	char *dash;
	uint64_t first;
	uint64_t last;

	if (len >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	dash = strchr(buf, '-');
	if (dash)
		*dash = '\0';
	if (parse_uint(buf, UINT16_MAX, &first) < 0)
		return -EINVAL;
	last = first;
	if (dash && parse_uint(dash + 1, UINT16_MAX, &last) < 0)
		return -EINVAL;
	if (first < min || last < first)
		return -EINVAL;
	ret->first = (uint16_t)first;
	ret->last = (uint16_t)last;
	return 0;
}

int net_ports_parse(const char *text, struct net_ports *ret, size_t max, size_t *ret_count)
{
	size_t count = 0;

	for (;;) {
		size_t len = strcspn(text, ",");

		if (count == max || parse_range(text, len, 1, &ret[count]) < 0)
			return -EINVAL;
		count++;
		text += len;
		if (!*text)
			break;
		text++;
	}
	*ret_count = count;
	return 0;
}

/* Splits the optional address off the front; returns where the ports begin, or NULL. */
static const char *publish_addr(const char *text, const char *end, struct net_addr *ret)
{
	char buf[NET_ADDR_MAX];
	const char *from = text;
	const char *to;

	if (*text == '[') {
		from = text + 1;
		to = memchr(text, ']', (size_t)(end - text));
		if (!to || to[1] != ':')
			return NULL;
		text = to + 2;
	} else {
		to = memchr(text, ':', (size_t)(end - text));
		if (!to || !memchr(to + 1, ':', (size_t)(end - to - 1)))
			return net_addr_parse("127.0.0.1", ret) < 0 ? NULL : text;
		text = to + 1;
	}
	if (to == from || (size_t)(to - from) >= sizeof(buf))
		return NULL;
	memcpy(buf, from, (size_t)(to - from));
	buf[to - from] = '\0';
	return net_addr_parse(buf, ret) < 0 ? NULL : text;
}

static int publish_ports(const char *text, const char *end, struct net_publish *ret)
{
	const char *colon = memchr(text, ':', (size_t)(end - text));
	struct net_ports host;
	struct net_ports guest;

	if (!colon || parse_range(text, (size_t)(colon - text), 0, &host) < 0 ||
	    parse_range(colon + 1, (size_t)(end - colon - 1), 1, &guest) < 0)
		return -EINVAL;
	if (host.first == 0 && (host.last != 0 || guest.last != guest.first))
		return -EINVAL;
	ret->host_first = host.first;
	ret->guest_first = guest.first;
	ret->count = (uint16_t)(host.last - host.first + 1);
	if (guest.last != guest.first && guest.last - guest.first != host.last - host.first)
		return -EINVAL;
	/* 1-65535 to 1: fine; 2-65535 to 65535: would run over the end */
	return guest.first + ret->count - 1 > UINT16_MAX ? -EINVAL : 0;
}

int net_publish_parse(const char *text, struct net_publish *ret, struct err *err)
{
	struct net_publish spec = { 0 };
	const char *end = strchr(text, '/');
	const char *ports;

	if (!end)
		end = text + strlen(text);
	if (*end && strcmp(end, "/udp") != 0 && strcmp(end, "/tcp") != 0)
		goto bad;
	spec.udp = strcmp(end, "/udp") == 0;
	ports = publish_addr(text, end, &spec.addr);
	if (!ports || publish_ports(ports, end, &spec) < 0)
		goto bad;
	*ret = spec;
	return 0;
bad:
	return err_text(err, 0,
	                "cannot publish '%s': accepted is [ADDR:]PORT[-PORT]:PORT[-PORT][/udp], "
	                "ports 1 to 65535, 0 as host port for any, [ADDR] in brackets for IPv6",
	                text);
}

size_t net_resolv_servers(char *text, struct net_addr *ret, size_t max)
{
	size_t count = 0;
	char *line;

	while (count < max && (line = strsep(&text, "\n"))) {
		char *word = line + strspn(line, " \t");
		size_t len = strcspn(word, " \t");

		if (len != strlen("nameserver") || strncmp(word, "nameserver", len) != 0)
			continue;
		word += len;
		word += strspn(word, " \t");
		word[strcspn(word, " \t\r#;")] = '\0';
		if (net_addr_parse(word, &ret[count]) == 0)
			count++;
	}
	return count;
}

bool net_publish_overlap(const struct net_publish *a, const struct net_publish *b)
{
	static const struct net_addr any6;
	struct net_addr any4;
	bool wild;

	if (a->udp != b->udp || a->host_first == 0 || b->host_first == 0)
		return false;
	if (a->host_first >= b->host_first + b->count || b->host_first >= a->host_first + a->count)
		return false;
	if (net_addr_is4(&a->addr) != net_addr_is4(&b->addr))
		return false;
	net_addr_parse("0.0.0.0", &any4);
	wild = net_addr_equal(&a->addr, &any4) || net_addr_equal(&b->addr, &any4) ||
	       net_addr_equal(&a->addr, &any6) || net_addr_equal(&b->addr, &any6);
	return wild || net_addr_equal(&a->addr, &b->addr);
}
