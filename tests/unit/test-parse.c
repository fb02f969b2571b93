/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every parser takes the whole string or says what is wrong with it, and then leaves the result
 * alone. */
#include "core/cleanup.h"
#include "core/parse.h"

#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <stdint.h>

static void test_uint(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		int r;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0, 0 },
		{ "007", 10, 0, 7 },
		{ "10", 10, 0, 10 },
		{ "11", 10, -ERANGE, 0 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999", UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999x", UINT64_MAX, -EINVAL, 0 },
		{ "", 10, -EINVAL, 0 },
		{ " 1", 10, -EINVAL, 0 },
		{ "1 ", 10, -EINVAL, 0 },
		{ "+1", 10, -EINVAL, 0 },
		{ "-1", 10, -EINVAL, 0 },
		{ "0x1", 10, -EINVAL, 0 },
		{ "1\xc3\xa9", 10, -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t value = 4711;

		g_test_message("parse_uint(\"%s\")", cases[i].text);
		g_assert_cmpint(parse_uint(cases[i].text, cases[i].max, &value), ==, cases[i].r);
		g_assert_cmpuint(value, ==, cases[i].r ? 4711 : cases[i].value);
	}
}

static void test_fd(void)
{
	static const struct {
		const char *text;
		int r;
		int value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "3", 0, 3 },
		{ "+3", 0, 3 },
		{ " \t\n3", 0, 3 },
		{ "2147483647", 0, INT_MAX },
		{ "2147483648", -ERANGE, 0 },
		{ "-1", -EINVAL, 0 },
		{ "++3", -EINVAL, 0 },
		{ "+ 3", -EINVAL, 0 },
		{ "3x", -EINVAL, 0 },
		{ "3 ", -EINVAL, 0 },
		{ "0x3", -EINVAL, 0 },
		{ "+", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int value = -42;

		g_test_message("parse_fd(\"%s\")", cases[i].text);
		g_assert_cmpint(parse_fd(cases[i].text, &value), ==, cases[i].r);
		g_assert_cmpint(value, ==, cases[i].r ? -42 : cases[i].value);
	}
}

static void test_octal(void)
{
	static const struct {
		const char *text;
		int r;
		unsigned int value;
	} cases[] = {
		{ "0", 0, 0 },       { "644", 0, 0644 },    { "0644", 0, 0644 },
		{ "+755", 0, 0755 }, { "7777", 0, 07777 },  { "10000", -ERANGE, 0 },
		{ "8", -EINVAL, 0 }, { "u+x", -EINVAL, 0 }, { "-1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned int value = 4711;

		g_test_message("parse_octal(\"%s\")", cases[i].text);
		g_assert_cmpint(parse_octal(cases[i].text, 07777, &value), ==, cases[i].r);
		g_assert_cmpuint(value, ==, cases[i].r ? 4711 : cases[i].value);
	}
}

static void test_size_any_base(void)
{
	static const struct {
		const char *text;
		int r;
		uint64_t value;
	} cases[] = {
		{ "1", 0, 1 },
		{ "4096", 0, 4096 },
		{ "0x1000", 0, 4096 },
		{ "0Xff", 0, 255 },
		{ "010", 0, 8 },
		{ "+16", -EINVAL, 0 },
		{ " 16", -EINVAL, 0 },
		{ "9223372036854775807", 0, SIZE_MAX / 2 },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "0", -EINVAL, 0 },
		{ "0x0", -EINVAL, 0 },
		{ "00", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
		{ "09", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t value = 4711;

		g_test_message("parse_size_any_base(\"%s\")", cases[i].text);
		g_assert_cmpint(parse_size_any_base(cases[i].text, &value), ==, cases[i].r);
		g_assert_cmpuint(value, ==, cases[i].r ? 4711 : cases[i].value);
	}
}

static void test_id(void)
{
	static const struct {
		const char *text;
		int r;
		uint32_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1000", 0, 1000 },
		{ "2147483648", 0, 2147483648U },
		{ "4294967294", 0, 4294967294U },
		{ "4294967295", -ERANGE, 0 }, /* (uid_t)-1 means "leave alone" to the kernel */
		{ "-1", -EINVAL, 0 },
		{ "root", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t value = 4711;

		g_test_message("parse_id(\"%s\")", cases[i].text);
		g_assert_cmpint(parse_id(cases[i].text, &value), ==, cases[i].r);
		g_assert_cmpuint(value, ==, cases[i].r ? 4711 : cases[i].value);
	}
}

static void test_offset(void)
{
	static const struct {
		const char *text;
		int r;
		int64_t sec;
		long nsec;
	} cases[] = {
		{ "0", 0, 0, 0 },
		{ "86400", 0, 86400, 0 },
		{ "+5", 0, 5, 0 },
		{ "-5", 0, -5, 0 },
		{ "1.5", 0, 1, 500000000 },
		{ "1.000000001", 0, 1, 1 },
		{ "-0.25", 0, -1, 750000000 },
		{ "-1.5", 0, -2, 500000000 },
		{ "99999999999999999999", -ERANGE, 0, 0 },
		{ "1.0000000001", -EINVAL, 0, 0 },
		{ ".5", -EINVAL, 0, 0 },
		{ "1,5", -EINVAL, 0, 0 },
		{ "--1", -EINVAL, 0, 0 },
		{ "1s", -EINVAL, 0, 0 },
		{ " 1", -EINVAL, 0, 0 },
		{ "-", -EINVAL, 0, 0 },
		{ "", -EINVAL, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t sec = 4711;
		long nsec = 4712;

		g_test_message("parse_offset(\"%s\")", cases[i].text);
		g_assert_cmpint(parse_offset(cases[i].text, &sec, &nsec), ==, cases[i].r);
		g_assert_cmpint(sec, ==, cases[i].r ? 4711 : cases[i].sec);
		g_assert_cmpint(nsec, ==, cases[i].r ? 4712 : cases[i].nsec);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/parse/uint", test_uint);
	g_test_add_func("/parse/fd", test_fd);
	g_test_add_func("/parse/octal", test_octal);
	g_test_add_func("/parse/size-any-base", test_size_any_base);
	g_test_add_func("/parse/id", test_id);
	g_test_add_func("/parse/offset", test_offset);
	return g_test_run();
}
