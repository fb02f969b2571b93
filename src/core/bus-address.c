/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/bus-address.h"

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

			c = '\0';
			if (low >= 0)
				c = (char)(high << 4 | low);
			p += 2;
		}
		if (c == '\0' || n == size)
			return 0;
		ret[n++] = c;
	}
	return n;
}

socklen_t bus_address_parse(const char *list, struct sockaddr_un *ret, const char **rest)
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

/* "unix:path=DIR/NAME", escaped. */
static void format(char buf[BUS_ADDRESS_MAX], const char *dir, const char *name)
{
	const size_t size = BUS_ADDRESS_MAX;
	size_t n = (size_t)snprintf(buf, size, "unix:path=");

	for (; *dir && n < size; dir++)
		n += (size_t)snprintf(buf + n, size - n, is_plain(*dir) ? "%c" : "%%%02x",
		                      (unsigned int)(unsigned char)*dir);
	if (n < size)
		snprintf(buf + n, size - n, "/%s", name);
}

void bus_addresses_find(struct bus_addresses *ret, const char *bus, const char *dir,
                        unsigned int uid)
{
	char fallback[32];

	snprintf(fallback, sizeof(fallback), "/run/user/%u", uid);
	if (!dir || !*dir)
		dir = fallback;
	format(ret->direct, dir, "systemd/private");
	format(ret->bus, dir, "bus");
	ret->is_direct_first = !bus || !*bus || strcmp(bus, ret->bus) == 0;
	if (!ret->is_direct_first)
		snprintf(ret->bus, sizeof(ret->bus), "%s", bus);
}
