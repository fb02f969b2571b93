/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is allowed: the table of addresses in every way of writing them, order, names, rebinding. */
#include "core/cleanup.h"
#include "core/err.h"
#include "net/policy.h"

#include <glib.h>
#include <string.h>

static struct policy *make(const char *const *rules)
{
	struct policy *policy = policy_new(false);
	struct net_cidr vnet;
	struct net_addr own[2];
	struct net_rule rule;
	struct err err;

	net_cidr_parse("10.0.2.0/24", &vnet);
	policy_add_vnet(policy, &vnet);
	net_addr_parse("198.51.100.1", &own[0]);
	net_addr_parse("2001:db8:1::1", &own[1]);
	g_assert_cmpint(policy_set_own(policy, own, 2), ==, 0);
	/* "+RULE" allows, "-RULE" denies */
	for (; *rules; rules++) {
		g_assert_cmpint(net_rule_parse(*rules + 1, &rule, &err), ==, 0);
		rule.allow = **rules == '+';
		policy_add_rule(policy, &rule);
	}
	return policy;
}

static bool may(struct policy *policy, const char *text, uint16_t port, int64_t now)
{
	struct net_addr addr;

	g_assert_cmpint(net_addr_parse(text, &addr), ==, 0);
	return policy_check(policy, NET_TCP, &addr, port, now) == POLICY_ALLOW;
}

static void pin(struct policy *policy, const char *name, const char *text, uint32_t ttl,
                int64_t now)
{
	struct net_addr addr;

	net_addr_parse(text, &addr);
	policy_pin(policy, name, &addr, ttl, now);
}

static void test_builtin(void)
{
	static const char *const denied[] = {
		"127.0.0.1",
		"127.255.255.254",
		"::1",
		"::ffff:127.0.0.1",
		"0.0.0.0",
		"0.1.2.3",
		"::",
		"169.254.1.1",
		"169.254.169.254",
		"fe80::1",
		"fec0::1",
		"224.0.0.1",
		"255.255.255.255",
		"ff02::1",
		"198.51.100.1",
		"2001:db8:1::1",
		"10.0.2.2",
		"10.0.2.50",
		"::127.0.0.1",
		"64:ff9b::7f00:1",
		"64:ff9b::a9fe:a9fe",
		"2002:7f00:1::",
		"fd00:ec2::254",
		"240.0.0.1",
		"64:ff9b::c633:6401",
	};
	static const char *const allowed[] = { "203.0.113.1", "10.9.9.9", "2001:db8:2::1",
		                               "10.0.3.2", "64:ff9b::cb00:7101" };
	static const char *const none[] = { NULL };
	static const char *const all[] = { "+*", "+0.0.0.0/0", "+::/0", NULL };
	struct policy *plain = make(none);
	struct policy *wide = make(all);

	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		g_test_message("%s", denied[i]);
		g_assert_false(may(plain, denied[i], 80, 0));
		g_assert_false(may(wide, denied[i], 80, 0)); /* covering is not naming */
	}
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		g_assert_true(may(plain, allowed[i], 80, 0));
	policy_free(plain);
	policy_free(wide);
}

static void test_named(void)
{
	static const char *const rules[] = { "+@host:22", "+@metadata", "+169.254.7.7",
		                             "+127.0.0.0/8:8080", NULL };
	struct policy *policy = make(rules);

	g_assert_true(may(policy, "127.0.0.1", 22, 0));
	g_assert_true(may(policy, "198.51.100.1", 22, 0));
	g_assert_false(may(policy, "198.51.100.1", 23, 0));
	g_assert_true(may(policy, "169.254.169.254", 80, 0));
	g_assert_true(may(policy, "169.254.7.7", 80, 0));
	g_assert_false(may(policy, "169.254.7.8", 80, 0));
	g_assert_true(may(policy, "127.0.0.1", 8080, 0));
	g_assert_false(may(policy, "203.0.113.1", 80, 0)); /* an allow rule turns the default */
	policy_free(policy);
}

static void test_order(void)
{
	static const char *const rules[] = { "+10.9.9.9:80", "-@lan", "+*:80,443/tcp", NULL };
	struct policy *policy = make(rules);

	g_assert_true(may(policy, "10.9.9.9", 80, 0));
	g_assert_false(may(policy, "10.9.9.9", 443, 0));
	g_assert_false(may(policy, "192.168.1.1", 80, 0));
	g_assert_false(may(policy, "fd00::1", 80, 0));
	g_assert_true(may(policy, "203.0.113.1", 443, 0));
	g_assert_false(may(policy, "203.0.113.1", 22, 0));
	policy_free(policy);
}

/* By whatever name an IPv4 address goes, it is denied; a rule for that name may still come first.
 */
static void test_carried(void)
{
	static const char *const rules[] = {
		"+[64:ff9b::a09:909]:80", "-10.0.0.0/8", "-192.0.2.7:25",
		"-bad.example.org",       "+*",          NULL
	};
	static const char *const none[] = { NULL };
	struct policy *policy = make(rules);
	struct policy *plain = make(none);

	g_assert_true(may(policy, "64:ff9b::a09:909", 80, 0));
	g_assert_false(may(policy, "64:ff9b::a09:909", 81, 0));
	g_assert_false(may(policy, "64:ff9b::a09:908", 80, 0));
	g_assert_false(may(policy, "64:ff9b:1::a09:909", 80, 0));
	g_assert_false(may(policy, "2002:a09:909::1", 80, 0));
	g_assert_false(may(policy, "2001:0:c000:201::f5f6:f6f6", 80, 0)); /* Teredo's 10.9.9.9 */
	g_assert_false(may(policy, "::ffff:0:a09:909", 80, 0));
	g_assert_false(may(policy, "::a09:909", 80, 0));
	g_assert_false(may(policy, "64:ff9b::c000:207", 25, 0));
	g_assert_true(may(policy, "64:ff9b::c000:207", 80, 0));
	pin(policy, "bad.example.org", "203.0.113.9", 60, 0);
	g_assert_false(may(policy, "64:ff9b::cb00:7109", 80, 0));
	g_assert_true(may(policy, "64:ff9b::cb00:7108", 80, 0));
	g_assert_false(may(plain, "64:ff9b:1::7f00:1", 80, 0));
	g_assert_false(may(plain, "2001:0:c000:201::80ff:fffe", 80, 0)); /* 127.0.0.1 */
	g_assert_false(may(plain, "::ffff:0:7f00:1", 80, 0));
	g_assert_true(may(plain, "2001:0:c000:201::f5f6:f6f6", 80, 0));
	policy_free(policy);
	policy_free(plain);
}

/* A host may have any number of addresses, and they change. */
static void test_many_own(void)
{
	enum { COUNT = 5000 };
	static const char *const none[] = { NULL };
	struct net_addr *own = g_new(struct net_addr, COUNT);
	struct policy *policy = make(none);

	for (unsigned int i = 0; i < COUNT; i++) {
		net_addr_parse("198.18.0.0", &own[i]);
		own[i].b[14] = (uint8_t)(i >> 8);
		own[i].b[15] = (uint8_t)i;
	}
	g_assert_cmpint(policy_set_own(policy, own, COUNT), ==, 0);
	g_assert_false(may(policy, "198.18.0.0", 80, 0));
	g_assert_false(may(policy, "198.18.19.135", 80, 0)); /* the last */
	g_assert_true(may(policy, "198.18.19.136", 80, 0));
	g_assert_true(may(policy, "198.51.100.1", 80, 0)); /* the host's no more */
	g_assert_cmpint(policy_set_own(policy, NULL, 0), ==, 0);
	g_assert_true(may(policy, "198.18.19.135", 80, 0));
	policy_free(policy);
	g_free(own);
}

static void test_pins(void)
{
	static const char *const rules[] = { "-@lan", "+mirror.example.org:80", "+*.example.net",
		                             NULL };
	struct policy *policy = make(rules);

	g_assert_false(may(policy, "203.0.113.10", 80, 1000));
	pin(policy, "mirror.example.org", "203.0.113.10", 5, 1000);
	g_assert_true(may(policy, "203.0.113.10", 80, 1000));
	g_assert_false(may(policy, "203.0.113.10", 443, 1000));
	g_assert_true(may(policy, "203.0.113.10", 80, 1059)); /* a minute at least */
	g_assert_false(may(policy, "203.0.113.10", 80, 1061));
	/* a name that no rule has leaves nothing behind */
	pin(policy, "other.example.org", "203.0.113.11", 500, 1000);
	g_assert_false(may(policy, "203.0.113.11", 80, 1000));
	pin(policy, "a.b.example.net", "203.0.113.12", 500, 1000);
	g_assert_true(may(policy, "203.0.113.12", 1, 1000));
	/* whoever answers cannot open what is denied by itself, or before */
	pin(policy, "mirror.example.org", "127.0.0.1", 500, 1000);
	pin(policy, "mirror.example.org", "198.51.100.1", 500, 1000);
	pin(policy, "mirror.example.org", "192.168.1.1", 500, 1000);
	g_assert_false(may(policy, "127.0.0.1", 80, 1000));
	g_assert_false(may(policy, "198.51.100.1", 80, 1000));
	g_assert_false(may(policy, "192.168.1.1", 80, 1000));
	/* many names do not push memory up, and the newest count */
	for (unsigned int i = 0; i < 10000; i++) {
		char name[64];

		g_snprintf(name, sizeof(name), "n%u.example.net", i);
		pin(policy, name, "203.0.113.13", 100, 1000 + i);
	}
	g_assert_true(may(policy, "203.0.113.13", 1, 11000));
	policy_free(policy);
}

static void test_look_up(void)
{
	static const char *const by_name[] = { "-bad.example.org", "+*.example.org", "+10.9.9.9",
		                               NULL };
	static const char *const by_addr[] = { "+10.9.9.9", NULL };
	static const char *const with_dns[] = { "+10.9.9.9", "+@dns", NULL };
	static const char *const deny_only[] = { "-bad.example.org", "-mail.example.org:25", NULL };
	struct policy *policy = make(by_name);
	struct net_addr addr;

	g_assert_true(policy_name_allowed(policy, "www.example.org"));
	g_assert_false(policy_name_allowed(policy, "bad.example.org"));
	g_assert_false(policy_name_allowed(policy, "example.com"));
	net_addr_parse("127.0.0.1", &addr);
	g_assert_false(policy_answer_allowed(policy, &addr));
	net_addr_parse("64:ff9b::7f00:1", &addr);
	g_assert_false(policy_answer_allowed(policy, &addr));
	net_addr_parse("203.0.113.10", &addr);
	g_assert_true(policy_answer_allowed(policy, &addr));
	policy_free(policy);
	policy = make(by_addr);
	g_assert_false(policy_name_allowed(policy, "www.example.org"));
	policy_free(policy);
	policy = make(with_dns);
	g_assert_true(policy_name_allowed(policy, "www.example.org"));
	policy_free(policy);
	policy = make(deny_only);
	g_assert_true(policy_name_allowed(policy, "www.example.org"));
	g_assert_false(policy_name_allowed(policy, "bad.example.org"));
	g_assert_true(policy_name_allowed(policy, "mail.example.org"));
	pin(policy, "mail.example.org", "203.0.113.25", 60, 0);
	g_assert_false(may(policy, "203.0.113.25", 25, 0));
	g_assert_true(may(policy, "203.0.113.25", 80, 0));
	policy_free(policy);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/builtin", test_builtin);
	g_test_add_func("/policy/named", test_named);
	g_test_add_func("/policy/order", test_order);
	g_test_add_func("/policy/carried", test_carried);
	g_test_add_func("/policy/many-own", test_many_own);
	g_test_add_func("/policy/pins", test_pins);
	g_test_add_func("/policy/look-up", test_look_up);
	return g_test_run();
}
