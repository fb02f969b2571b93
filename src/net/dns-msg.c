/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/dns-msg.h"

#include <errno.h>
#include <string.h>

enum {
	TYPE_A = 1,
	TYPE_AAAA = 28,
	CLASS_IN = 1,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static char name_char(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
		return (char)c;
	return '?';
}

/* A question's name is never compressed: there is nothing before it to point to. */
static int read_name(const uint8_t *msg, size_t len, size_t *at, char name[NET_NAME_MAX])
{
	size_t out = 0;

	for (;;) {
		uint8_t label;

		if (*at >= len)
			return -EBADMSG;
		label = msg[(*at)++];
		if (label == 0)
			break;
		if (label > 63 || label > len - *at || out + label + 1 >= NET_NAME_MAX)
			return -EBADMSG;
		if (out)
			name[out++] = '.';
		for (; label; label--)
			name[out++] = name_char(msg[(*at)++]);
	}
	name[out] = '\0';
	return 0;
}

int dns_read_question(const uint8_t *msg, size_t len, bool reply, struct dns_question *ret)
{
	size_t at = DNS_HEAD_LEN;

	if (len < DNS_HEAD_LEN || (msg[2] >> 7) != (reply ? 1 : 0) || (msg[2] & 0x78) ||
	    get16(msg + 4) != 1)
		return -EBADMSG;
	if (!reply && (get16(msg + 6) || get16(msg + 8)))
		return -EBADMSG;
	if (read_name(msg, len, &at, ret->name) < 0 || len - at < 4)
		return -EBADMSG;
	ret->id = get16(msg);
	ret->type = get16(msg + at);
	ret->end = at + 4;
	return get16(msg + at + 2) == CLASS_IN ? 0 : -EBADMSG;
}

bool dns_same_question(const uint8_t *query, size_t query_len, const uint8_t *reply,
                       size_t reply_len)
{
	struct dns_question a;
	struct dns_question b;

	return dns_read_question(query, query_len, false, &a) == 0 &&
	       dns_read_question(reply, reply_len, true, &b) == 0 && a.type == b.type &&
	       a.end == b.end && strcmp(a.name, b.name) == 0;
}

unsigned int dns_rcode(const uint8_t *msg)
{
	return msg[3] & 0x0f;
}

/* Steps over a name that may end in a pointer. */
static int skip_name(const uint8_t *msg, size_t len, size_t *at)
{
	while (*at < len) {
		uint8_t label = msg[(*at)++];

		if (label == 0)
			return 0;
		if (label >= 0xc0) {
			if (*at >= len)
				return -EBADMSG;
			(*at)++;
			return 0;
		}
		if (label > 63 || label > len - *at)
			return -EBADMSG;
		*at += label;
	}
	return -EBADMSG;
}

static bool record_address(const uint8_t *record, uint16_t size, struct net_addr *ret)
{
	uint16_t type = get16(record);

	if (get16(record + 2) != CLASS_IN)
		return false;
	if (type == TYPE_A && size == 4) {
		*ret = (struct net_addr){ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };
		memcpy(ret->b + 12, record + 10, 4);
		return true;
	}
	if (type == TYPE_AAAA && size == 16) {
		memcpy(ret->b, record + 10, 16);
		return true;
	}
	return false;
}

int dns_each_address(const uint8_t *msg, size_t len,
                     int (*found)(void *data, const struct net_addr *addr, uint32_t ttl),
                     void *data)
{
	struct dns_question question;
	unsigned int answers;
	size_t at;

	if (dns_read_question(msg, len, true, &question) < 0)
		return -EBADMSG;
	at = question.end;
	for (answers = get16(msg + 6); answers; answers--) {
		struct net_addr addr;
		const uint8_t *record;
		uint16_t size;
		int r;

		if (skip_name(msg, len, &at) < 0 || len - at < 10)
			return -EBADMSG;
		record = msg + at;
		size = get16(record + 8);
		if (size > len - at - 10)
			return -EBADMSG;
		at += 10 + (size_t)size;
		if (!record_address(record, size, &addr))
			continue;
		r = found(data, &addr, (uint32_t)get16(record + 4) << 16 | get16(record + 6));
		if (r < 0)
			return r;
	}
	return 0;
}

size_t dns_make_reply(uint8_t *msg, const struct dns_question *question, unsigned int rcode)
{
	msg[2] = (uint8_t)(0x80 | (msg[2] & 0x01)); /* an answer; recursion desired as asked */
	msg[3] = (uint8_t)(0x80 | rcode);           /* recursion available */
	memset(msg + 6, 0, 6);
	return question->end;
}
