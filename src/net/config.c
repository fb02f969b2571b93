/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "core/parse.h"

void net_config_init(struct net_config *config)
{
	static const uint8_t mac[6] = { 0x52, 0x55, 0x0a, 0x00, 0x02, 0x64 };

	*config = (struct net_config){ .mtu = NET_MTU_MAX, .ask_fd = -1, .log_fd = -1 };
	memcpy(config->mac, mac, sizeof(mac));
	net_cidr_parse("10.0.2.0/24", &config->net4);
}

/* Room for one more element: 0, -ENOMEM, or -E2BIG at max. */
static int grow(void **array, size_t *count, size_t size, size_t max)
{
	void *bigger;

	if (*count >= max)
		return -E2BIG;
	bigger = realloc(*array, (*count + 1) * size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	memset((char *)bigger + *count * size, 0, size);
	(*count)++;
	return 0;
}

static int set_mtu(struct net_config *config, const char *arg, struct err *err)
{
	(void)err;
	return net_mtu_parse(arg, &config->mtu);
}

static int set_mac(struct net_config *config, const char *arg, struct err *err)
{
	unsigned int b[6];
	char end;

	(void)err;
	if (strlen(arg) != 17 || sscanf(arg, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2],
	                                &b[3], &b[4], &b[5], &end) != 6)
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		config->mac[i] = (uint8_t)b[i];
	return config->mac[0] & 1 ? -EINVAL : 0;
}

static int set_net4(struct net_config *config, const char *arg, struct err *err)
{
	struct net_cidr net;

	(void)err;
	if (net_cidr_parse(arg, &net) < 0 || !net_addr_is4(&net.addr) ||
	    net.prefix < NET_PREFIX4 + 1 || net.prefix > NET_PREFIX4 + 25)
		return -EINVAL;
	config->net4 = net;
	return 0;
}

static int set_net6(struct net_config *config, const char *arg, struct err *err)
{
	struct net_cidr net;

	(void)err;
	if (net_cidr_parse(arg, &net) < 0 || net_addr_is4(&net.addr) || net.prefix != 64)
		return -EINVAL;
	config->net6 = net;
	config->v6 = true;
	return 0;
}

static int add_dns(struct net_config *config, const char *arg, struct err *err)
{
	(void)err;
	if (config->dns_count == NET_DNS_MAX)
		return -E2BIG;
	if (net_addr_parse(arg, &config->dns[config->dns_count]) < 0)
		return -EINVAL;
	config->dns_count++;
	return 0;
}

static int add_rule(struct net_config *config, const char *arg, bool allow, struct err *err)
{
	struct net_rule rule;
	void *rules = config->rules;
	int r = net_rule_parse(arg, &rule, err);

	if (r < 0)
		return r;
	r = grow(&rules, &config->rules_count, sizeof(rule), NET_RULES_MAX);
	config->rules = rules;
	if (r < 0)
		return r;
	rule.allow = allow;
	config->rules[config->rules_count - 1] = rule;
	return 0;
}

static int add_allow(struct net_config *config, const char *arg, struct err *err)
{
	return add_rule(config, arg, true, err);
}

static int add_deny(struct net_config *config, const char *arg, struct err *err)
{
	return add_rule(config, arg, false, err);
}

static int add_publish(struct net_config *config, const char *arg, struct err *err)
{
	struct net_config_publish publish = { .fd = -1 };
	void *array = config->publish;
	uint64_t host;
	uint64_t guest;
	char buf[32];
	char *space;
	int r;

	(void)err;
	if (strlen(arg) >= sizeof(buf) || strlen(arg) < 4)
		return -EINVAL;
	snprintf(buf, sizeof(buf), "%s", arg + 4);
	space = strchr(buf, ' ');
	publish.udp = strncmp(arg, "udp ", 4) == 0;
	if (!space || (!publish.udp && strncmp(arg, "tcp ", 4) != 0))
		return -EINVAL;
	*space = '\0';
	if (parse_uint(buf, UINT16_MAX, &host) < 0 ||
	    parse_uint(space + 1, UINT16_MAX, &guest) < 0 || guest == 0)
		return -EINVAL;
	r = grow(&array, &config->publish_count, sizeof(publish), NET_PUBLISH_MAX);
	config->publish = array;
	if (r < 0)
		return r;
	publish.host_port = (uint16_t)host;
	publish.guest_port = (uint16_t)guest;
	config->publish[config->publish_count - 1] = publish;
	return 0;
}

static const struct {
	const char *word;
	int (*set)(struct net_config *config, const char *arg, struct err *err);
} keys[] = {
	{ "mtu", set_mtu },   { "mac", set_mac },         { "net4", set_net4 },
	{ "net6", set_net6 }, { "dns", add_dns },         { "allow", add_allow },
	{ "deny", add_deny }, { "publish", add_publish },
};

static int set_flag(struct net_config *config, const char *word)
{
	const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{ "ask", &config->ask },       { "log", &config->log },
		{ "open", &config->open },     { "no-loopback", &config->no_loopback },
		{ "no-dns", &config->no_dns }, { "splice", &config->splice },
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (strcmp(flags[i].word, word) == 0) {
			*flags[i].flag = true;
			return 0;
		}
	}
	return -EINVAL;
}

int net_config_line(struct net_config *config, const char *line, struct err *err)
{
	const char *space = strchr(line, ' ');
	size_t len = space ? (size_t)(space - line) : strlen(line);
	int r = -EINVAL;

	err->step = STEP_NONE;
	if (!space) {
		r = set_flag(config, line);
	} else {
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			if (strlen(keys[i].word) == len && strncmp(keys[i].word, line, len) == 0) {
				r = keys[i].set(config, space + 1, err);
				break;
			}
		}
	}
	if (r < 0 && err->step == STEP_NONE)
		return err_text(err, -r, "network configuration '%s'", line);
	return r;
}

int net_config_fd(struct net_config *config, int fd)
{
	if (config->ask && config->ask_fd < 0) {
		config->ask_fd = fd;
		return 0;
	}
	if (config->log && config->log_fd < 0) {
		config->log_fd = fd;
		return 0;
	}
	for (size_t i = 0; i < config->publish_count; i++) {
		if (config->publish[i].fd < 0) {
			config->publish[i].fd = fd;
			return 0;
		}
	}
	return -EPROTO;
}

bool net_config_complete(const struct net_config *config)
{
	if ((config->ask && config->ask_fd < 0) || (config->log && config->log_fd < 0))
		return false;
	for (size_t i = 0; i < config->publish_count; i++) {
		if (config->publish[i].fd < 0)
			return false;
	}
	return true;
}

void net_config_done(struct net_config *config)
{
	for (size_t i = 0; i < config->publish_count; i++) {
		if (config->publish[i].fd >= 0)
			close(config->publish[i].fd);
	}
	if (config->ask_fd >= 0)
		close(config->ask_fd);
	if (config->log_fd >= 0)
		close(config->log_fd);
	free(config->publish);
	free(config->rules);
	*config = (struct net_config){ .ask_fd = -1, .log_fd = -1 };
}
