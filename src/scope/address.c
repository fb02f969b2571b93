/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope/address.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The value of a key, unescaped. Returns its length, 0 when it is not there, holds a 0 or is too
 * long. */
static size_t find_value(const char *pairs, size_t len, const char *key, char *ret, size_t size)
{
	size_t key_len = strlen(key);
	size_t n = 0;
	const char *p = pairs, *end = pairs + len;

	while (p < end && !((size_t)(end - p) > key_len && strncmp(p, key, key_len) == 0 &&
	                    p[key_len] == '=')) {
		p = memchr(p, ',', (size_t)(end - p));
		p = p ? p + 1 : end;
	}
	for (p = p < end ? p + key_len + 1 : end; p < end && *p != ','; p++) {
		char c = *p;

		if (c == '%') {
			int high = end - p > 2 ? hex_digit(p[1]) : -1;
			int low = high >= 0 ? hex_digit(p[2]) : -1;

			c = low >= 0 ? (char)(high << 4 | low) : '\0';
			p += 2;
		}
		if (c == '\0' || n == size)
			return 0;
		ret[n++] = c;
	}
	return n;
}

socklen_t address_parse(const char *list, struct sockaddr_un *ret, const char **rest)
{
	static const char transport[] = "unix:";
	size_t len = strcspn(list, ";");
	size_t room = sizeof(ret->sun_path) - 1;
	size_t n;

	*rest = list[len] ? list + len + 1 : NULL;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strncmp(list, transport, strlen(transport)) != 0)
		return 0;
	list += strlen(transport);
	len -= strlen(transport);
	n = find_value(list, len, "path", ret->sun_path, room);
	if (n == 0) {
		memset(ret->sun_path, 0, sizeof(ret->sun_path));
		n = find_value(list, len, "abstract", ret->sun_path + 1, room);
	}
	return n ? (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n) : 0;
}

/* What needs no escaping is the specification's "optionally-escaped" set. */
static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("-_/.\\*", c));
}

void address_format(char *buf, size_t size, const char *dir, const char *name)
{
	size_t n = (size_t)snprintf(buf, size, "unix:path=");

	for (; *dir && n < size; dir++)
		n += (size_t)snprintf(buf + n, size - n, is_plain(*dir) ? "%c" : "%%%02x",
		                      (unsigned int)(unsigned char)*dir);
	if (n < size)
		snprintf(buf + n, size - n, "/%s", name);
}
