/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules, published ports, the helper's configuration, DNS messages and API requests: by its first
 * byte an input goes to one of the parsers, which must take any bytes. */
#include "core/err.h"
#include "core/net-rule.h"
#include "net/config.h"
#include "net/dns-msg.h"
#include "net/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int found(void *data, const struct net_addr *addr, uint32_t ttl)
{
	char text[NET_ADDR_MAX];

	(void)data;
	(void)ttl;
	net_addr_format(addr, text);
	return 0;
}

static void fuzz_config(char *text)
{
	struct net_config config;
	struct err err;
	char *line;

	net_config_init(&config);
	while ((line = strsep(&text, "\n")))
		if (net_config_line(&config, line, &err) < 0)
			break;
	net_config_done(&config);
}

static void fuzz_dns(uint8_t *msg, size_t len)
{
	struct dns_question question;

	dns_each_address(msg, len, found, NULL);
	dns_same_question(msg, len, msg, len);
	if (dns_read_question(msg, len, false, &question) == 0 &&
	    dns_make_reply(msg, &question, DNS_RCODE_REFUSED) > len)
		abort();
}

static void fuzz_json(const char *text, size_t len)
{
	size_t value_len;
	const char *value = json_member(text, len, "execute", &value_len);
	char word[16];
	uint64_t number;

	if (!value)
		return;
	if (value < text || value + value_len > text + len)
		abort();
	json_string(value, value_len, word, sizeof(word));
	json_uint(value, value_len, 65535, &number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_publish publish;
	struct net_rule rule;
	struct err err;
	char *text;

	if (size < 1)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 5) {
	case 0:
		net_rule_parse(text, &rule, &err);
		break;
	case 1:
		if (net_publish_parse(text, &publish, &err) == 0 && publish.count == 0)
			abort();
		break;
	case 2:
		fuzz_config(text);
		break;
	case 3:
		fuzz_dns((uint8_t *)text, size - 1);
		break;
	default:
		fuzz_json(text, size - 1);
	}
	free(text);
	return 0;
}
