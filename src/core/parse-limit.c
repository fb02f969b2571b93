/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/parse-limit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/cleanup.h"
#include "core/parse.h"

#define BILLION UINT64_C(1000000000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * A decimal number with an optional fraction of at most nine digits, as whole * 10^9 + billionths.
 * 128 bits hold 64 bits of digits times a suffix, so that nothing is lost before the range check.
 */
static int parse_decimal(const char **text, bool *ret_fraction, unsigned __int128 *ret)
{
	const char *p = *text;
	unsigned __int128 value = 0;
	uint64_t unit = BILLION;
	bool digits = false;

	for (; is_digit(*p); p++, digits = true) {
		value = value * 10 + (unsigned int)(*p - '0');
		if (value > UINT64_MAX)
			return -ERANGE;
	}
	value *= BILLION;
	*ret_fraction = *p == '.';
	if (*p == '.') {
		for (p++; is_digit(*p); p++, digits = true) {
			unit /= 10;
			if (!unit)
				return -EINVAL;
			value += (unsigned __int128)unit * (unsigned int)(*p - '0');
		}
		if (p[-1] == '.')
			return -EINVAL;
	}
	if (!digits)
		return -EINVAL;
	*text = p;
	*ret = value;
	return 0;
}

/* The factor that the one-letter suffix stands for; 0 for a letter that is none. */
static uint64_t byte_unit(char c)
{
	static const char letters[] = "KMGTkmgt";
	const char *at = c ? strchr(letters, c) : NULL;

	return at ? UINT64_C(1024) << (10 * ((at - letters) % 4)) : 0;
}

int parse_bytes(const char *text, uint64_t *ret)
{
	unsigned __int128 value;
	bool fraction;
	uint64_t unit = 1;
	int r = parse_decimal(&text, &fraction, &value);

	if (r < 0)
		return r;
	if (*text) {
		unit = byte_unit(*text++);
		if (!unit || *text)
			return -EINVAL;
	} else if (fraction) {
		return -EINVAL;
	}
	/* before the product, which could leave 128 bits */
	if (value / BILLION > INT64_MAX / unit)
		return -ERANGE;
	value = value * unit / BILLION;
	if (value > INT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)value;
	return 0;
}

int parse_percent(const char *text, unsigned int *ret)
{
	unsigned __int128 value;
	bool fraction;
	int r = parse_decimal(&text, &fraction, &value);

	if (r < 0)
		return r;
	if (strcmp(text, "%") != 0)
		return -EINVAL;
	value /= BILLION / 100;
	if (value < 1 || value > 10000)
		return -ERANGE;
	*ret = (unsigned int)value;
	return 0;
}

int parse_cpus(const char *text, uint64_t *ret_millionths)
{
	unsigned __int128 value;
	bool fraction;
	int r = parse_decimal(&text, &fraction, &value);

	if (r < 0)
		return r;
	if (*text)
		return -EINVAL;
	if (value % (BILLION / 1000000) != 0)
		return -EINVAL;
	value /= BILLION / 1000000;
	if (value < 10000 || value > (unsigned __int128)CPU_LIST_MAX * 1000000)
		return -ERANGE;
	*ret_millionths = (uint64_t)value;
	return 0;
}

int parse_weight(const char *text, unsigned int *ret)
{
	uint64_t value;
	int r = parse_uint(text, 10000, &value);

	if (r < 0)
		return r;
	if (value == 0)
		return -ERANGE;
	*ret = (unsigned int)value;
	return 0;
}

static int parse_list_number(const char **text, unsigned int *ret)
{
	const char *p = *text;
	unsigned int value = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		value = value * 10 + (unsigned int)(*p - '0');
		if (value >= CPU_LIST_MAX)
			return -ERANGE;
	}
	*text = p;
	*ret = value;
	return 0;
}

int parse_cpu_list(const char *text, struct cpu_list *ret)
{
	struct cpu_list list = { { 0 } };

	for (;;) {
		unsigned int first, last;
		int r = parse_list_number(&text, &first);

		if (r < 0)
			return r;
		last = first;
		if (*text == '-') {
			text++;
			r = parse_list_number(&text, &last);
			if (r < 0)
				return r;
			if (last < first)
				return -EINVAL;
		}
		for (; first <= last; first++)
			list.bits[first / 64] |= UINT64_C(1) << (first % 64);
		if (!*text)
			break;
		if (*text++ != ',')
			return -EINVAL;
	}
	*ret = list;
	return 0;
}

static bool cpu_list_has(const struct cpu_list *list, unsigned int n)
{
	return n < CPU_LIST_MAX && (list->bits[n / 64] >> (n % 64) & 1);
}

char *cpu_list_format(const struct cpu_list *list)
{
	/* the longest text is "0,2,4,...": five bytes for each second number */
	size_t size = CPU_LIST_MAX / 2 * 5 + 1;
	cleanup_free char *text = malloc(size);
	size_t len = 0;
	char *ret;

	if (!text)
		return NULL;
	text[0] = '\0';
	for (unsigned int n = 0; n < CPU_LIST_MAX; n++) {
		unsigned int last = n;

		if (!cpu_list_has(list, n))
			continue;
		while (cpu_list_has(list, last + 1))
			last++;
		len += (size_t)snprintf(text + len, size - len, last > n ? "%s%u-%u" : "%s%u",
		                        len ? "," : "", n, last);
		n = last;
	}
	ret = realloc(text, len + 1);
	if (ret)
		steal_ptr(&text);
	return ret;
}

bool cpu_list_within(const struct cpu_list *part, const struct cpu_list *whole)
{
	for (size_t i = 0; i < ARRAY_LEN(part->bits); i++) {
		if (part->bits[i] & ~whole->bits[i])
			return false;
	}
	return true;
}

int parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		char suffix;
		unsigned int seconds;
	} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	unsigned __int128 value;
	bool fraction;
	int r = parse_decimal(&text, &fraction, &value);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (*text != units[i].suffix || (*text && text[1]))
			continue;
		value *= units[i].seconds;
		if (value > INT64_MAX)
			return -ERANGE;
		*ret_ns = (uint64_t)value;
		return 0;
	}
	return -EINVAL;
}

int parse_device(const char *text, size_t *ret_len, const char **ret_value)
{
	const char *colon = strrchr(text, ':');

	if (!colon || colon == text || !colon[1])
		return -EINVAL;
	*ret_len = (size_t)(colon - text);
	*ret_value = colon + 1;
	return 0;
}

int parse_device_number(const char *text, size_t len, unsigned int ret[2])
{
	unsigned int number[2] = { 0, 0 };
	size_t part = 0;
	bool digits = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == ':' && part == 0 && digits) {
			part = 1;
			digits = false;
		} else if (is_digit(text[i])) {
			number[part] = number[part] * 10 + (unsigned int)(text[i] - '0');
			digits = true;
		} else {
			return -EINVAL;
		}
		if (number[part] > 0xfffff)
			return -ERANGE;
	}
	if (part != 1 || !digits)
		return -EINVAL;
	memcpy(ret, number, sizeof(number));
	return 0;
}

static const struct {
	const char *name;
	int resource;
	bool bytes;
} ulimits[] = {
	{ "as", RLIMIT_AS, true },
	{ "core", RLIMIT_CORE, true },
	{ "cpu", RLIMIT_CPU, false },
	{ "data", RLIMIT_DATA, true },
	{ "fsize", RLIMIT_FSIZE, true },
	{ "locks", RLIMIT_LOCKS, false },
	{ "memlock", RLIMIT_MEMLOCK, true },
	{ "msgqueue", RLIMIT_MSGQUEUE, true },
	{ "nice", RLIMIT_NICE, false },
	{ "nofile", RLIMIT_NOFILE, false },
	{ "nproc", RLIMIT_NPROC, false },
	{ "rss", RLIMIT_RSS, true },
	{ "rtprio", RLIMIT_RTPRIO, false },
	{ "rttime", RLIMIT_RTTIME, false },
	{ "sigpending", RLIMIT_SIGPENDING, false },
	{ "stack", RLIMIT_STACK, true },
};

const char *ulimit_name(size_t n, int *ret_resource)
{
	if (n >= ARRAY_LEN(ulimits))
		return NULL;
	*ret_resource = ulimits[n].resource;
	return ulimits[n].name;
}

static int parse_ulimit_value(const char *text, size_t len, bool bytes, uint64_t *ret)
{
	char value[32];

	if (len == 0 || len >= sizeof(value))
		return -EINVAL;
	memcpy(value, text, len);
	value[len] = '\0';
	if (strcmp(value, "unlimited") == 0 || strcmp(value, "-1") == 0) {
		*ret = ULIMIT_NONE;
		return 0;
	}
	return bytes ? parse_bytes(value, ret) : parse_uint(value, INT64_MAX, ret);
}

int parse_ulimit(const char *text, struct ulimit *ret)
{
	size_t name = strcspn(text, "=");
	size_t i, soft_len;
	uint64_t soft, hard;
	int r;

	if (!text[name])
		return -EINVAL;
	for (i = 0; i < ARRAY_LEN(ulimits); i++) {
		if (strlen(ulimits[i].name) == name && strncmp(ulimits[i].name, text, name) == 0)
			break;
	}
	if (i == ARRAY_LEN(ulimits))
		return -ENOENT;
	text += name + 1;
	soft_len = strcspn(text, ":");
	r = parse_ulimit_value(text, soft_len, ulimits[i].bytes, &soft);
	if (r < 0)
		return r;
	hard = soft;
	if (text[soft_len]) {
		text += soft_len + 1;
		r = parse_ulimit_value(text, strlen(text), ulimits[i].bytes, &hard);
		if (r < 0)
			return r;
	}
	if (soft > hard)
		return -ERANGE;
	*ret = (struct ulimit){ ulimits[i].resource, soft, hard };
	return 0;
}
