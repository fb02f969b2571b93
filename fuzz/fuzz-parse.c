/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text for every parser of sizes, numbers, lists, addresses and rules. None reads past the end,
 * what is refused leaves the result alone, and what can be printed reads back as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/net-rule.h"
#include "core/parse-limit.h"
#include "core/parse-net.h"
#include "core/parse.h"
#include "core/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void try_numbers(const char *text)
{
	uint64_t wide = 12345;
	uint32_t id = 12345;
	unsigned int small = 12345;
	int64_t sec;
	long nsec;
	int fd = -7;

	must(parse_uint(text, 1000, &wide) == 0 ? wide <= 1000 : wide == 12345);
	must(parse_fd(text, &fd) == 0 ? fd >= 0 : fd == -7);
	must(parse_octal(text, 07777, &small) == 0 ? small <= 07777 : small == 12345);
	wide = 12345;
	must(parse_size_any_base(text, &wide) == 0 ? wide && wide <= SIZE_MAX / 2 : wide == 12345);
	must(parse_id(text, &id) == 0 ? id != UINT32_MAX : id == 12345);
	if (parse_offset(text, &sec, &nsec) == 0)
		must(nsec >= 0 && nsec < 1000000000);
}

static void try_limits(const char *text)
{
	struct cpu_list list = { { 0 } };
	struct cpu_list again;
	struct ulimit limit;
	uint64_t wide = 12345;
	unsigned int small = 12345;
	unsigned int dev[2];
	const char *value;
	size_t len;

	must(parse_bytes(text, &wide) == 0 ? wide <= INT64_MAX : wide == 12345);
	must(parse_percent(text, &small) == 0 ? small && small <= 10000 : small == 12345);
	small = 12345;
	must(parse_weight(text, &small) == 0 ? small && small <= 10000 : small == 12345);
	wide = 0;
	must(parse_cpus(text, &wide) == 0 ? wide >= 10000 : !wide);
	(void)parse_duration(text, &wide);
	if (parse_device(text, &len, &value) == 0)
		must(len && text + len + 1 == value && *value);
	(void)parse_device_number(text, strlen(text), dev);
	if (parse_ulimit(text, &limit) == 0)
		must(limit.soft <= limit.hard);
	if (parse_cpu_list(text, &list) == 0) {
		char *out = cpu_list_format(&list);

		must(out && parse_cpu_list(out, &again) == 0);
		must(!memcmp(&list, &again, sizeof(list)) && cpu_list_within(&list, &again));
		free(out);
	}
}

static void try_net(const char *text)
{
	struct net_addr servers[4];
	struct net_publish publish;
	struct net_ports ports[4];
	struct net_addr addr;
	struct net_addr again;
	struct net_cidr cidr;
	struct net_rule rule = { 0 };
	struct err err = { 0 };
	unsigned int mtu;
	size_t n;
	char buf[NET_ADDR_MAX];
	char *copy = strdup(text);

	if (net_addr_parse(text, &addr) == 0) {
		net_addr_format(&addr, buf);
		must(net_addr_parse(buf, &again) == 0 && net_addr_equal(&addr, &again));
	}
	if (net_cidr_parse(text, &cidr) == 0)
		must(cidr.prefix <= 128 && net_cidr_has(&cidr, &cidr.addr));
	if (net_mtu_parse(text, &mtu) == 0)
		must(mtu >= NET_MTU_MIN && mtu <= NET_MTU_MAX);
	if (net_ports_parse(text, ports, 4, &n) == 0)
		must(n <= 4 && ports[0].first <= ports[0].last);
	must(net_publish_parse(text, &publish, &err) == 0 || err.subject[0]);
	err.subject[0] = '\0';
	must(net_rule_parse(text, &rule, &err) == 0 || err.subject[0]);
	if (copy)
		must(net_resolv_servers(copy, servers, 4) <= 4);
	free(copy);
}

static void try_paths(const char *text)
{
	const char *slash = strchr(text, ':');

	must(path_relative(text)[0]);
	must(path_last(text) >= text && path_last(text) <= text + strlen(text));
	(void)path_is_root(text);
	if (slash) {
		must(!(path_same(text, slash + 1) && path_below(text, slash + 1)));
		must(!path_below(text, text));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	try_numbers(text);
	try_limits(text);
	try_net(text);
	try_paths(text);
	free(text);
	return 0;
}
