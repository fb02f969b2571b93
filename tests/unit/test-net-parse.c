/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses, networks, published ports and rules as text. */
#include "core/cleanup.h"
#include "core/err.h"
#include "core/net-rule.h"
#include "core/parse-net.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

static void test_addr(void)
{
	static const char *const good[] = { "127.0.0.1", "::1", "::", "0.0.0.0", "2001:db8::1" };
	static const char *const bad[] = { "",      "1.2.3",     "1.2.3.256", "1.2.3.4 ", ":::",
		                           "[::1]", "1.2.3.4/8", "::1%lo",    "01.2.3.4x" };
	struct net_addr a;
	struct net_addr b;
	char text[NET_ADDR_MAX];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		g_assert_cmpint(net_addr_parse(good[i], &a), ==, 0);
		net_addr_format(&a, text);
		g_assert_cmpstr(text, ==, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		g_assert_cmpint(net_addr_parse(bad[i], &a), ==, -EINVAL);
	/* however it is written, it is the same address */
	net_addr_parse("::ffff:10.1.2.3", &a);
	net_addr_parse("10.1.2.3", &b);
	g_assert_true(net_addr_equal(&a, &b));
	g_assert_true(net_addr_is4(&a));
}

static void test_cidr(void)
{
	static const struct {
		const char *net;
		const char *addr;
		bool has;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "1.2.3.4", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7/32", "192.0.2.6", false },
		{ "192.0.2.6/31", "192.0.2.7", true },
	};
	static const char *const bad[] = { "10.0.0.1/8",     "10.0.0.0/33", "10.0.0.0/",
		                           "::/129",         "/8",          "10.0.0.0/8/8",
		                           "2001:db8::1/64", "10.0.0.0/-1" };
	struct net_cidr net;
	struct net_addr addr;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		g_assert_cmpint(net_cidr_parse(cases[i].net, &net), ==, 0);
		g_assert_cmpint(net_addr_parse(cases[i].addr, &addr), ==, 0);
		g_assert_cmpint(net_cidr_has(&net, &addr), ==, cases[i].has);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		g_assert_cmpint(net_cidr_parse(bad[i], &net), ==, -EINVAL);
}

static void test_publish(void)
{
	static const struct {
		const char *text;
		const char *addr;
		unsigned int host, guest, count;
		bool udp;
	} good[] = {
		{ "8080:80", "127.0.0.1", 8080, 80, 1, false },
		{ "0:80", "127.0.0.1", 0, 80, 1, false },
		{ "0.0.0.0:8080:80/tcp", "0.0.0.0", 8080, 80, 1, false },
		{ "[::1]:53:5353/udp", "::1", 53, 5353, 1, true },
		{ "8000-8010:9000", "127.0.0.1", 8000, 9000, 11, false },
		{ "8000-8010:9000-9010", "127.0.0.1", 8000, 9000, 11, false },
		{ "1-65535:1", "127.0.0.1", 1, 1, 65535, false },
	};
	static const char *const bad[] = {
		"",
		"80",
		"80:",
		":80",
		"80:0",
		"80:80/sctp",
		"65536:80",
		"80:65536",
		"a:80",
		"::1:80:80",
		"[::1]80:80",
		"[::1:80:80",
		"9-8:1",
		"1-2:5-7",
		"0-5:80",
		"0:80-81",
		"2-65535:65000",
		"1.2.3:80:80",
		"80:80/udp ",
		"127.0.0.1:80",
		"1:2:3:4:5:6",
	};
	struct net_publish spec;
	struct err err;
	char text[NET_ADDR_MAX];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		g_assert_cmpint(net_publish_parse(good[i].text, &spec, &err), ==, 0);
		net_addr_format(&spec.addr, text);
		g_assert_cmpstr(text, ==, good[i].addr);
		g_assert_cmpint(spec.host_first, ==, good[i].host);
		g_assert_cmpint(spec.guest_first, ==, good[i].guest);
		g_assert_cmpint(spec.count, ==, good[i].count);
		g_assert_cmpint(spec.udp, ==, good[i].udp);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		g_test_message("'%s'", bad[i]);
		g_assert_cmpint(net_publish_parse(bad[i], &spec, &err), <, 0);
		g_assert_nonnull(strstr(err.subject, bad[i]));
	}
}

static void test_overlap(void)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{ "80:1", "80:2", true },
		{ "80:1", "81:1", false },
		{ "80:1", "80:1/udp", false },
		{ "80-90:1", "85:1", true },
		{ "0:1", "0:1", false },
		{ "127.0.0.1:80:1", "127.0.0.2:80:1", false },
		{ "0.0.0.0:80:1", "80:1", true },
		{ "[::]:80:1", "80:1", false },
		{ "[::]:80:1", "[::1]:80:1", true },
	};
	struct net_publish a;
	struct net_publish b;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		net_publish_parse(cases[i].a, &a, &err);
		net_publish_parse(cases[i].b, &b, &err);
		g_assert_cmpint(net_publish_overlap(&a, &b), ==, cases[i].overlap);
		g_assert_cmpint(net_publish_overlap(&b, &a), ==, cases[i].overlap);
	}
}

static void test_rule(void)
{
	static const struct {
		const char *text;
		enum net_dest dest;
		unsigned int protos, ports;
	} good[] = {
		{ "*", NET_DEST_ANY, 7, 0 },
		{ "*:443/tcp", NET_DEST_ANY, NET_TCP, 1 },
		{ "10.0.0.0/8", NET_DEST_CIDR, 7, 0 },
		{ "10.0.0.0/8:80,443", NET_DEST_CIDR, 7, 2 },
		{ "10.0.0.0/8/icmp", NET_DEST_CIDR, NET_ICMP, 0 },
		{ "2001:db8::/32", NET_DEST_CIDR, 7, 0 },
		{ "2001:db8::1/udp", NET_DEST_CIDR, NET_UDP, 0 },
		{ "[2001:db8::/32]:1-5", NET_DEST_CIDR, 7, 1 },
		{ "[2001:db8::]/32:1-5", NET_DEST_CIDR, 7, 1 },
		{ "mirror.example.org:80,443", NET_DEST_NAME, 7, 2 },
		{ "Mirror.Example.ORG.", NET_DEST_NAME, 7, 0 },
		{ "*.example.org:443", NET_DEST_SUFFIX, 7, 1 },
		{ "@host:22", NET_DEST_HOST, 7, 1 },
		{ "@lan", NET_DEST_LAN, 7, 0 },
		{ "@metadata", NET_DEST_METADATA, 7, 0 },
		{ "@dns", NET_DEST_DNS, 7, 0 },
	};
	struct net_rule rule;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		g_test_message("'%s'", good[i].text);
		g_assert_cmpint(net_rule_parse(good[i].text, &rule, &err), ==, 0);
		g_assert_cmpint(rule.dest, ==, good[i].dest);
		g_assert_cmpint(rule.protos, ==, good[i].protos);
		g_assert_cmpint(rule.ports_count, ==, good[i].ports);
	}
}

static void test_bad_rule(void)
{
	static const char *const bad[] = {
		"",
		":80",
		"10.0.0.256",
		"a..b",
		"*.",
		"**",
		"example.org:",
		"example.org:0",
		"example.org:70000",
		"example.org:5-4",
		"[::1]x",
		"[1.2.3.4]",
		"a b",
		"-:80/x",
		"@dns:53",
		"@dns/tcp",
		"1.2.3.4:80/icmp",
		"/tcp",
		"*example.org",
		"a:1,",
		"a:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
		"1234",
		"foo.123",
	};
	struct net_rule rule;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		g_test_message("'%s'", bad[i]);
		g_assert_cmpint(net_rule_parse(bad[i], &rule, &err), <, 0);
		g_assert_nonnull(strstr(err.subject, bad[i]));
		g_assert_nonnull(strstr(err.subject, "character"));
	}
}

static void test_rule_reasons(void)
{
	static const struct {
		const char *text;
		const char *reason;
	} bad[] = {
		{ "@nobody:80", "no such group at character 1;" },
		{ "[::1", "a '[' without its ']' at character 1;" },
		{ "10.0.0.1/8", "behind it (IPv4 to 32, IPv6 to 128) at character 10;" },
		{ "10.0.0.0/33", "behind it (IPv4 to 32, IPv6 to 128) at character 10;" },
		{ "10.0.0/8", "no destination at character 1;" },
		{ "[fd00::]/x:80", "behind it (IPv4 to 32, IPv6 to 128) at character 10;" },
		{ "1.2.3.4:80,", "no list of ports (1 to 65535, N or N-M) at character 9;" },
	};
	struct net_rule rule;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		g_test_message("'%s'", bad[i].text);
		g_assert_cmpint(net_rule_parse(bad[i].text, &rule, &err), <, 0);
		g_assert_nonnull(strstr(err.subject, bad[i].reason));
	}
}

static void test_names(void)
{
	struct net_rule name;
	struct net_rule suffix;
	struct err err;

	net_rule_parse("Example.org.", &name, &err);
	net_rule_parse("*.example.org", &suffix, &err);
	g_assert_true(net_rule_has_name(&name, "example.org"));
	g_assert_false(net_rule_has_name(&name, "www.example.org"));
	g_assert_true(net_rule_has_name(&suffix, "www.example.org"));
	g_assert_true(net_rule_has_name(&suffix, "a.b.example.org"));
	g_assert_false(net_rule_has_name(&suffix, "example.org"));
	g_assert_false(net_rule_has_name(&suffix, ".example.org"));
	g_assert_false(net_rule_has_name(&suffix, "badexample.org"));
	g_assert_false(net_rule_has_name(&suffix, "example.org.evil"));
}

static void test_resolv(void)
{
	char text[] =
		"# comment\nnameserver 192.0.2.1\n nameserver\t2001:db8::53 # x\n"
		"nameserverx 1.2.3.4\nsearch a b\nnameserver fe80::1%eth0\nnameserver 192.0.2.2";
	struct net_addr servers[4];
	char addr[NET_ADDR_MAX];

	g_assert_cmpint(net_resolv_servers(text, servers, 4), ==, 3);
	net_addr_format(&servers[1], addr);
	g_assert_cmpstr(addr, ==, "2001:db8::53");
	net_addr_format(&servers[2], addr);
	g_assert_cmpstr(addr, ==, "192.0.2.2");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/net/addr", test_addr);
	g_test_add_func("/net/cidr", test_cidr);
	g_test_add_func("/net/publish", test_publish);
	g_test_add_func("/net/overlap", test_overlap);
	g_test_add_func("/net/rule", test_rule);
	g_test_add_func("/net/bad-rule", test_bad_rule);
	g_test_add_func("/net/rule-reasons", test_rule_reasons);
	g_test_add_func("/net/names", test_names);
	g_test_add_func("/net/resolv", test_resolv);
	return g_test_run();
}
