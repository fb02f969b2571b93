/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/parse.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static int parse_digits(const char *text, int base, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	bool overflow = false;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		int digit = digit_value(*text);

		if (digit >= base)
			return -EINVAL;
		if (value > (UINT64_MAX - (uint64_t)digit) / (uint64_t)base)
			overflow = true;
		value = value * (uint64_t)base + (uint64_t)digit;
	}
	if (overflow || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

/* The blanks and the sign that the strtol family takes first; a minus is left for the digits to
 * refuse. */
static const char *skip_strtol_lead(const char *text)
{
	text += strspn(text, " \t\n\v\f\r");
	return *text == '+' ? text + 1 : text;
}

int parse_uint(const char *text, uint64_t max, uint64_t *ret)
{
	return parse_digits(text, 10, max, ret);
}

int parse_fd(const char *text, int *ret)
{
	uint64_t value;
	int r = parse_digits(skip_strtol_lead(text), 10, INT_MAX, &value);

	if (r == 0)
		*ret = (int)value;
	return r;
}

int parse_octal(const char *text, unsigned int max, unsigned int *ret)
{
	uint64_t value;
	int r = parse_digits(skip_strtol_lead(text), 8, max, &value);

	if (r == 0)
		*ret = (unsigned int)value;
	return r;
}

int parse_size_any_base(const char *text, uint64_t *ret)
{
	const char *digits = text;
	int base = 10;
	uint64_t value;
	int r;

	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
		base = 16;
		digits += 2;
	} else if (digits[0] == '0') {
		base = 8;
	}
	r = parse_digits(digits, base, SIZE_MAX / 2, &value);
	if (r < 0)
		return r;
	if (value == 0)
		return -EINVAL;
	*ret = value;
	return 0;
}

int parse_id(const char *text, uint32_t *ret)
{
	uint64_t value;
	int r = parse_digits(skip_strtol_lead(text), 10, UINT32_MAX - 1, &value);

	if (r == 0)
		*ret = (uint32_t)value;
	return r;
}

/* Reads up to nine digits after a point, if there is one; returns where it stopped. */
static const char *take_fraction(const char *text, long *ret_nsec)
{
	*ret_nsec = 0;
	if (*text != '.')
		return text;
	text++;
	for (long unit = 100000000; unit && *text >= '0' && *text <= '9'; text++, unit /= 10)
		*ret_nsec += unit * (*text - '0');
	return text;
}

int parse_offset(const char *text, int64_t *ret_sec, long *ret_nsec)
{
	bool negative = *text == '-';
	uint64_t sec = 0;
	long nsec;

	if (*text == '-' || *text == '+')
		text++;
	if (!(*text >= '0' && *text <= '9'))
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (sec > INT64_MAX / 100)
			return -ERANGE;
		sec = sec * 10 + (uint64_t)(*text - '0');
	}
	text = take_fraction(text, &nsec);
	if (*text)
		return -EINVAL;
	/* timens_offsets wants nanoseconds that count up from the second below
	 * (time_namespaces(7)) */
	*ret_sec = negative ? -(int64_t)sec - (nsec ? 1 : 0) : (int64_t)sec;
	*ret_nsec = negative && nsec ? 1000000000 - nsec : nsec;
	return 0;
}
