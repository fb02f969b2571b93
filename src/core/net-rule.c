/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/net-rule.h"

#include <errno.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/err.h"

static int bad(const char *rule, const char *at, const char *why, struct err *err)
{
	return err_text(
		err, 0,
		"network rule '%s': %s at character %zu; accepted is DEST[:PORTS][/tcp|/udp|/icmp], "
		"DEST an address, network, host name, *.SUFFIX, *, @host, @lan, @metadata or @dns",
		rule, why, (size_t)(at - rule) + 1);
}

static bool label_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

int net_name_parse(const char *text, size_t len, char dst[NET_NAME_MAX])
{
	size_t label = 0;
	bool digits = true; /* a last label of digits only is a mistyped address */

	if (len && text[len - 1] == '.')
		len--;
	if (len == 0 || len >= NET_NAME_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		char c = lower(text[i]);

		dst[i] = c;
		if (c == '.') {
			if (label == 0)
				return -EINVAL;
			label = 0;
			digits = true;
			continue;
		}
		if (!label_char((unsigned char)c) || ++label > 63)
			return -EINVAL;
		digits = digits && c >= '0' && c <= '9';
	}
	dst[len] = '\0';
	return label == 0 || digits ? -EINVAL : 0;
}

bool net_rule_has_name(const struct net_rule *rule, const char *name)
{
	size_t len = strlen(name);
	size_t tail = strlen(rule->name);

	if (rule->dest == NET_DEST_NAME)
		return strcmp(rule->name, name) == 0;
	if (rule->dest != NET_DEST_SUFFIX || len < tail + 2)
		return false;
	return name[len - tail - 1] == '.' && strcmp(name + len - tail, rule->name) == 0;
}

bool net_rule_has_port(const struct net_rule *rule, enum net_proto proto, uint16_t port)
{
	if (!(rule->protos & proto))
		return false;
	if (rule->ports_count == 0)
		return true;
	for (size_t i = 0; proto != NET_ICMP && i < rule->ports_count; i++) {
		if (port >= rule->ports[i].first && port <= rule->ports[i].last)
			return true;
	}
	return false;
}

/* Takes "/tcp" and the like off the end; returns the length that is left. */
static size_t rule_proto(const char *text, size_t len, struct net_rule *rule)
{
	static const struct {
		const char *word;
		enum net_proto proto;
	} words[] = { { "/tcp", NET_TCP }, { "/udp", NET_UDP }, { "/icmp", NET_ICMP } };

	rule->protos = NET_TCP | NET_UDP | NET_ICMP;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i].word);

		if (len > n && memcmp(text + len - n, words[i].word, n) == 0) {
			rule->protos = words[i].proto;
			return len - n;
		}
	}
	return len;
}

/* Finds the colon before the ports in len characters: NULL when there is none. A bare IPv6
 * address has more than one colon and no ports. */
static const char *rule_colon(const char *text, size_t len)
{
	const char *colon;

	if (*text == '[') {
		const char *close = memchr(text, ']', len);

		if (!close)
			return NULL;
		return memchr(close, ':', len - (size_t)(close - text));
	}
	colon = memchr(text, ':', len);
	if (colon && memchr(colon + 1, ':', len - (size_t)(colon + 1 - text)))
		return NULL;
	return colon;
}

static int dest_keyword(const char *text, struct net_rule *rule)
{
	static const struct {
		const char *word;
		enum net_dest dest;
	} words[] = {
		{ "*", NET_DEST_ANY },    { "@host", NET_DEST_HOST },
		{ "@lan", NET_DEST_LAN }, { "@metadata", NET_DEST_METADATA },
		{ "@dns", NET_DEST_DNS },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i].word) == 0) {
			rule->dest = words[i].dest;
			return 0;
		}
	}
	return -EINVAL;
}

static int dest_cidr(const char *text, size_t len, struct net_rule *rule)
{
	char buf[NET_ADDR_MAX + 8];
	const char *close = *text == '[' ? memchr(text, ']', len) : NULL;
	size_t inner;

	rule->dest = NET_DEST_CIDR;
	if (!close) {
		if (len >= sizeof(buf))
			return -EINVAL;
		memcpy(buf, text, len);
		buf[len] = '\0';
		return net_cidr_parse(buf, &rule->cidr);
	}
	/* both [addr/len] and [addr]/len */
	inner = (size_t)(close - text) - 1;
	if (len - 2 >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text + 1, inner);
	memcpy(buf + inner, close + 1, len - inner - 2);
	buf[len - 2] = '\0';
	return strchr(buf, ':') ? net_cidr_parse(buf, &rule->cidr) : -EINVAL;
}

static int rule_dest(const char *text, size_t len, struct net_rule *rule)
{
	char word[16] = "";

	if (*text == '*' && len > 2 && text[1] == '.') {
		rule->dest = NET_DEST_SUFFIX;
		return net_name_parse(text + 2, len - 2, rule->name);
	}
	if (*text == '@' || *text == '*') {
		if (len >= sizeof(word))
			return -EINVAL;
		memcpy(word, text, len);
		return dest_keyword(word, rule);
	}
	if (dest_cidr(text, len, rule) == 0)
		return 0;
	rule->dest = NET_DEST_NAME;
	return net_name_parse(text, len, rule->name);
}

/* Why len characters of text are no destination, and, in *at, from where on. */
static const char *dest_fault(const char *text, size_t len, const char **at)
{
	const char *slash = memchr(text, '/', len);
	struct net_rule address;

	*at = text;
	if (len && *text == '[' && !memchr(text, ']', len))
		return "a '[' without its ']'";
	if (len && *text == '@')
		return "no such group";
	if (!slash || dest_cidr(text, (size_t)(slash - text), &address) < 0)
		return "no destination";
	*at = slash + 1;
	return "no prefix length that leaves only zero bits behind it (IPv4 to 32, IPv6 to 128)";
}

int net_rule_parse(const char *text, struct net_rule *ret, struct err *err)
{
	size_t len = strlen(text);
	const char *colon;
	const char *fault;
	const char *at;
	char ports[128];

	*ret = (struct net_rule){ 0 };
	len = rule_proto(text, len, ret);
	if (len == 0)
		return bad(text, text, "nothing", err);
	colon = rule_colon(text, len);
	if (colon) {
		size_t n = len - (size_t)(colon + 1 - text);

		if (n >= sizeof(ports))
			return bad(text, colon + 1, "too many ports", err);
		memcpy(ports, colon + 1, n);
		ports[n] = '\0';
		if (net_ports_parse(ports, ret->ports, NET_RULE_PORTS_MAX, &ret->ports_count) < 0)
			return bad(text, colon + 1, "no list of ports (1 to 65535, N or N-M)", err);
		if (ret->protos == NET_ICMP)
			return bad(text, colon, "ports make no sense with /icmp", err);
		len = (size_t)(colon - text);
	}
	if (len == 0 || rule_dest(text, len, ret) < 0) {
		fault = dest_fault(text, len, &at);
		return bad(text, at, fault, err);
	}
	if (ret->dest == NET_DEST_DNS &&
	    (ret->ports_count || ret->protos != (NET_TCP | NET_UDP | NET_ICMP)))
		return bad(text, text + len, "no ports or protocol with @dns", err);
	return 0;
}
