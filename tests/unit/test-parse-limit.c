/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the limit options: what is taken, what is refused and how. */
#include "core/parse-limit.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/resource.h>

#define KEPT UINT64_C(0xdeadbeef)

struct number_case {
	const char *text;
	int result;
	uint64_t value; /* KEPT: left alone */
};

typedef int number_parser(const char *text, uint64_t *ret);

static void check_numbers(number_parser *parse, const struct number_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = KEPT;
		int r = parse(cases[i].text, &value);

		g_test_message("'%s'", cases[i].text);
		g_assert_cmpint(r, ==, cases[i].result);
		g_assert_cmpuint(value, ==, cases[i].value);
	}
}

static void test_bytes(void)
{
	static const struct number_case cases[] = {
		{ "0", 0, 0 },
		{ "1", 0, 1 },
		{ "512M", 0, UINT64_C(512) << 20 },
		{ "512m", 0, UINT64_C(512) << 20 },
		{ "1k", 0, 1024 },
		{ "1.5G", 0, UINT64_C(3) << 29 },
		{ "0.5K", 0, 512 },
		{ ".5K", 0, 512 },
		{ "2T", 0, UINT64_C(2) << 40 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, KEPT },
		{ "8388608T", -ERANGE, KEPT },
		{ "8388607T", 0, UINT64_C(8388607) << 40 },
		{ "99999999999999999999999999", -ERANGE, KEPT },
		{ "", -EINVAL, KEPT },
		{ "M", -EINVAL, KEPT },
		{ ".", -EINVAL, KEPT },
		{ "1.", -EINVAL, KEPT },
		{ "1.M", -EINVAL, KEPT },
		{ "1.5", -EINVAL, KEPT },
		{ "-1", -EINVAL, KEPT },
		{ "+1", -EINVAL, KEPT },
		{ " 1", -EINVAL, KEPT },
		{ "1 ", -EINVAL, KEPT },
		{ "1MB", -EINVAL, KEPT },
		{ "1X", -EINVAL, KEPT },
		{ "0x10", -EINVAL, KEPT },
		{ "1e3", -EINVAL, KEPT },
		{ "10%", -EINVAL, KEPT },
		{ "1,5G", -EINVAL, KEPT },
		{ "1.0000000001G", -EINVAL, KEPT },
	};

	check_numbers(parse_bytes, cases, G_N_ELEMENTS(cases));
}

static int percent_as_number(const char *text, uint64_t *ret)
{
	unsigned int value = (unsigned int)*ret;
	int r = parse_percent(text, &value);

	*ret = value;
	return r;
}

static void test_percent(void)
{
	static const struct number_case cases[] = {
		{ "1%", 0, 100 },
		{ "100%", 0, 10000 },
		{ "12.5%", 0, 1250 },
		{ "0.01%", 0, 1 },
		{ "0%", -ERANGE, KEPT },
		{ "0.001%", -ERANGE, KEPT },
		{ "100.01%", -ERANGE, KEPT },
		{ "1000%", -ERANGE, KEPT },
		{ "%", -EINVAL, KEPT },
		{ "50", -EINVAL, KEPT },
		{ "50%%", -EINVAL, KEPT },
		{ "50 %", -EINVAL, KEPT },
		{ "-5%", -EINVAL, KEPT },
		{ "", -EINVAL, KEPT },
	};

	check_numbers(percent_as_number, cases, G_N_ELEMENTS(cases));
}

static void test_cpus(void)
{
	static const struct number_case cases[] = {
		{ "1", 0, 1000000 },        { "0.5", 0, 500000 },
		{ "1.5", 0, 1500000 },      { "0.01", 0, 10000 },
		{ "8192", 0, 8192000000 },  { "0.000001", -ERANGE, KEPT },
		{ "0.009", -ERANGE, KEPT }, { "0", -ERANGE, KEPT },
		{ "8193", -ERANGE, KEPT },  { "0.0000001", -EINVAL, KEPT },
		{ "1.", -EINVAL, KEPT },    { "", -EINVAL, KEPT },
		{ "-1", -EINVAL, KEPT },    { "1cpu", -EINVAL, KEPT },
		{ "150%", -EINVAL, KEPT },  { "inf", -EINVAL, KEPT },
	};

	check_numbers(parse_cpus, cases, G_N_ELEMENTS(cases));
}

static int weight_as_number(const char *text, uint64_t *ret)
{
	unsigned int value = (unsigned int)*ret;
	int r = parse_weight(text, &value);

	*ret = value;
	return r;
}

static void test_weight(void)
{
	static const struct number_case cases[] = {
		{ "1", 0, 1 },           { "10000", 0, 10000 },
		{ "0", -ERANGE, KEPT },  { "10001", -ERANGE, KEPT },
		{ "", -EINVAL, KEPT },   { "1.5", -EINVAL, KEPT },
		{ "-1", -EINVAL, KEPT }, { "idle", -EINVAL, KEPT },
	};

	check_numbers(weight_as_number, cases, G_N_ELEMENTS(cases));
}

static void test_duration(void)
{
	const uint64_t second = UINT64_C(1000000000);
	const struct number_case cases[] = {
		{ "0", 0, 0 },
		{ "1", 0, second },
		{ "90s", 0, 90 * second },
		{ "1.5m", 0, 90 * second },
		{ ".5", 0, second / 2 },
		{ "5m", 0, 300 * second },
		{ "2h", 0, 7200 * second },
		{ "1d", 0, 86400 * second },
		{ "0.000000001", 0, 1 },
		{ "106751d", 0, UINT64_C(106751) * 86400 * second },
		{ "106752d", -ERANGE, KEPT },
		{ "99999999999999999999", -ERANGE, KEPT },
		{ "", -EINVAL, KEPT },
		{ "s", -EINVAL, KEPT },
		{ "1ms", -EINVAL, KEPT },
		{ "1S", -EINVAL, KEPT },
		{ "1 s", -EINVAL, KEPT },
		{ "1s ", -EINVAL, KEPT },
		{ "1m30s", -EINVAL, KEPT },
		{ "-1", -EINVAL, KEPT },
		{ "1.", -EINVAL, KEPT },
	};

	check_numbers(parse_duration, cases, G_N_ELEMENTS(cases));
}

static void test_cpu_list(void)
{
	static const struct {
		const char *text;
		int result;
		const char *shortest;
	} cases[] = {
		{ "0", 0, "0" },
		{ "0-3,7", 0, "0-3,7" },
		{ "7,0-3", 0, "0-3,7" },
		{ "0,1,2", 0, "0-2" },
		{ "1,1,1-1", 0, "1" },
		{ "63-65", 0, "63-65" },
		{ "8191", 0, "8191" },
		{ "0-8191", 0, "0-8191" },
		{ "8192", -ERANGE, NULL },
		{ "0-9999", -ERANGE, NULL },
		{ "3-0", -EINVAL, NULL },
		{ "", -EINVAL, NULL },
		{ ",", -EINVAL, NULL },
		{ "1,", -EINVAL, NULL },
		{ ",1", -EINVAL, NULL },
		{ "1--2", -EINVAL, NULL },
		{ "-1", -EINVAL, NULL },
		{ "1-", -EINVAL, NULL },
		{ "a", -EINVAL, NULL },
		{ "0 1", -EINVAL, NULL },
		{ "0-7:2/4", -EINVAL, NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct cpu_list list;
		g_autofree char *text = NULL;

		g_test_message("'%s'", cases[i].text);
		g_assert_cmpint(parse_cpu_list(cases[i].text, &list), ==, cases[i].result);
		if (cases[i].result < 0)
			continue;
		text = cpu_list_format(&list);
		g_assert_cmpstr(text, ==, cases[i].shortest);
	}
}

/* The longest text there is, and back. */
static void test_cpu_list_long(void)
{
	struct cpu_list even, again;
	g_autofree char *text = NULL;

	memset(&even, 0x55, sizeof(even));
	text = cpu_list_format(&even);
	g_assert_nonnull(text);
	g_assert_cmpint(parse_cpu_list(text, &again), ==, 0);
	g_assert_cmpmem(&even, sizeof(even), &again, sizeof(again));
}

static void test_cpu_list_within(void)
{
	struct cpu_list part, whole;

	g_assert_cmpint(parse_cpu_list("0-1", &whole), ==, 0);
	g_assert_cmpint(parse_cpu_list("1", &part), ==, 0);
	g_assert_true(cpu_list_within(&part, &whole));
	g_assert_false(cpu_list_within(&whole, &part));
	g_assert_cmpint(parse_cpu_list("1,500", &part), ==, 0);
	g_assert_false(cpu_list_within(&part, &whole));
}

static void test_device(void)
{
	static const struct {
		const char *text;
		int result;
		size_t len;
		const char *value;
	} cases[] = {
		{ "/dev/sda:1M", 0, 8, "1M" }, { "8:0:100", 0, 3, "100" },
		{ "a:b:c", 0, 3, "c" },        { "/dev/sda", -EINVAL, 0, "" },
		{ ":1M", -EINVAL, 0, "" },     { "/dev/sda:", -EINVAL, 0, "" },
		{ "", -EINVAL, 0, "" },        { ":", -EINVAL, 0, "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		size_t len;
		const char *value;

		g_assert_cmpint(parse_device(cases[i].text, &len, &value), ==, cases[i].result);
		if (cases[i].result < 0)
			continue;
		g_assert_cmpuint(len, ==, cases[i].len);
		g_assert_cmpstr(value, ==, cases[i].value);
	}
}

static void test_device_number(void)
{
	static const struct {
		const char *text;
		int result;
		unsigned int major, minor;
	} cases[] = {
		{ "8:0", 0, 8, 0 },
		{ "259:12", 0, 259, 12 },
		{ "8", -EINVAL, 0, 0 },
		{ ":8", -EINVAL, 0, 0 },
		{ "8:", -EINVAL, 0, 0 },
		{ "8:0:0", -EINVAL, 0, 0 },
		{ "8:a", -EINVAL, 0, 0 },
		{ "", -EINVAL, 0, 0 },
		{ "/dev/sda", -EINVAL, 0, 0 },
		{ "1048576:0", -ERANGE, 0, 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		unsigned int number[2];
		const char *text = cases[i].text;

		g_test_message("'%s'", text);
		g_assert_cmpint(parse_device_number(text, strlen(text), number), ==,
		                cases[i].result);
		if (cases[i].result < 0)
			continue;
		g_assert_cmpuint(number[0], ==, cases[i].major);
		g_assert_cmpuint(number[1], ==, cases[i].minor);
	}
}

static void test_ulimit(void)
{
	static const struct {
		const char *text;
		int result;
		int resource;
		uint64_t soft, hard;
	} cases[] = {
		{ "nofile=1024", 0, RLIMIT_NOFILE, 1024, 1024 },
		{ "nofile=1024:2048", 0, RLIMIT_NOFILE, 1024, 2048 },
		{ "core=0", 0, RLIMIT_CORE, 0, 0 },
		{ "as=1G", 0, RLIMIT_AS, UINT64_C(1) << 30, UINT64_C(1) << 30 },
		{ "stack=8M:unlimited", 0, RLIMIT_STACK, UINT64_C(8) << 20, ULIMIT_NONE },
		{ "cpu=-1", 0, RLIMIT_CPU, ULIMIT_NONE, ULIMIT_NONE },
		{ "nofile=2:1", -ERANGE, 0, 0, 0 },
		{ "nofile=unlimited:1", -ERANGE, 0, 0, 0 },
		{ "nofile=1K", -EINVAL, 0, 0, 0 }, /* counts files, not bytes */
		{ "nofile", -EINVAL, 0, 0, 0 },
		{ "nofile=", -EINVAL, 0, 0, 0 },
		{ "nofile=:1", -EINVAL, 0, 0, 0 },
		{ "nofile=1:", -EINVAL, 0, 0, 0 },
		{ "nofile=1:2:3", -EINVAL, 0, 0, 0 },
		{ "nofile=-2", -EINVAL, 0, 0, 0 },
		{ "nofile=99999999999999999999", -ERANGE, 0, 0, 0 },
		{ "nofiles=1", -ENOENT, 0, 0, 0 },
		{ "no=1", -ENOENT, 0, 0, 0 },
		{ "=1", -ENOENT, 0, 0, 0 },
		{ "RLIMIT_NOFILE=1", -ENOENT, 0, 0, 0 },
		{ "", -EINVAL, 0, 0, 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct ulimit limit;

		g_test_message("'%s'", cases[i].text);
		g_assert_cmpint(parse_ulimit(cases[i].text, &limit), ==, cases[i].result);
		if (cases[i].result < 0)
			continue;
		g_assert_cmpint(limit.resource, ==, cases[i].resource);
		g_assert_cmpuint(limit.soft, ==, cases[i].soft);
		g_assert_cmpuint(limit.hard, ==, cases[i].hard);
	}
}

static void test_ulimit_names(void)
{
	const char *name;
	int resource;

	for (size_t i = 0; (name = ulimit_name(i, &resource)); i++) {
		g_autofree char *text = g_strdup_printf("%s=1", name);
		struct ulimit limit;

		g_assert_cmpint(parse_ulimit(text, &limit), ==, 0);
		g_assert_cmpint(limit.resource, ==, resource);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/parse-limit/bytes", test_bytes);
	g_test_add_func("/parse-limit/percent", test_percent);
	g_test_add_func("/parse-limit/cpus", test_cpus);
	g_test_add_func("/parse-limit/weight", test_weight);
	g_test_add_func("/parse-limit/duration", test_duration);
	g_test_add_func("/parse-limit/cpu-list", test_cpu_list);
	g_test_add_func("/parse-limit/cpu-list-long", test_cpu_list_long);
	g_test_add_func("/parse-limit/cpu-list-within", test_cpu_list_within);
	g_test_add_func("/parse-limit/device", test_device);
	g_test_add_func("/parse-limit/device-number", test_device_number);
	g_test_add_func("/parse-limit/ulimit", test_ulimit);
	g_test_add_func("/parse-limit/ulimit-names", test_ulimit_names);
	return g_test_run();
}
