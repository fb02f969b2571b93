/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/json.h"

#include <errno.h>
#include <string.h>

#include "core/parse.h"

enum { DEPTH_MAX = 16 };

struct cursor {
	const char *at;
	const char *end;
};

static void skip_blank(struct cursor *c)
{
	while (c->at < c->end && memchr(" \t\r\n", *c->at, 4))
		c->at++;
}

static bool take(struct cursor *c, char wanted)
{
	skip_blank(c);
	if (c->at >= c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

/* Steps over a string whose opening quote is next. */
static bool skip_string(struct cursor *c)
{
	if (!take(c, '"'))
		return false;
	while (c->at < c->end && *c->at != '"')
		c->at += *c->at == '\\' && c->end - c->at > 1 ? 2 : 1;
	return take(c, '"');
}

/* Steps over any value; brackets are only counted, which is enough to find where it ends. */
static bool skip_value(struct cursor *c)
{
	const char *start;
	int depth = 0;

	skip_blank(c);
	start = c->at;
	while (c->at < c->end) {
		char ch = *c->at;

		if (ch == '"') {
			if (!skip_string(c))
				return false;
			continue;
		}
		if (depth == 0 && memchr(",}] \t\r\n", ch, 7))
			break;
		if (ch == '{' || ch == '[')
			depth++;
		if (ch == '}' || ch == ']')
			depth--;
		if (depth > DEPTH_MAX)
			return false;
		c->at++;
	}
	return depth == 0 && c->at > start;
}

bool json_is_object(const char *text, size_t len)
{
	struct cursor c = { .at = text, .end = text + len };

	skip_blank(&c);
	return c.at < c.end && *c.at == '{' && skip_value(&c);
}

const char *json_member(const char *text, size_t len, const char *name, size_t *ret_len)
{
	struct cursor c = { .at = text, .end = text + len };

	if (!take(&c, '{') || take(&c, '}'))
		return NULL;
	do {
		const char *key;
		const char *value;
		size_t key_len;

		skip_blank(&c);
		key = c.at + 1;
		if (!skip_string(&c))
			return NULL;
		key_len = (size_t)(c.at - 1 - key);
		if (!take(&c, ':'))
			return NULL;
		skip_blank(&c);
		value = c.at;
		if (!skip_value(&c))
			return NULL;
		if (key_len == strlen(name) && memcmp(key, name, key_len) == 0) {
			*ret_len = (size_t)(c.at - value);
			return value;
		}
	} while (take(&c, ','));
	return NULL;
}

int json_string(const char *value, size_t len, char *dst, size_t size)
{
	if (len < 2 || value[0] != '"' || value[len - 1] != '"' || len - 2 >= size ||
	    memchr(value, '\\', len) || memchr(value, '\0', len))
		return -EINVAL;
	memcpy(dst, value + 1, len - 2);
	dst[len - 2] = '\0';
	return 0;
}

int json_uint(const char *value, size_t len, uint64_t max, uint64_t *ret)
{
	char buf[24];

	if (len >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, value, len);
	buf[len] = '\0';
	return parse_uint(buf, max, ret) < 0 ? -EINVAL : 0;
}
