/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/policy.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

enum {
	PINS_MAX = 2048,
	PIN_MIN_TTL = 60,
	PIN_MAX_TTL = 86400,
	VNETS_MAX = 4,
};

enum range_class {
	CLASS_NONE,
	CLASS_LOOPBACK,
	CLASS_METADATA,
	CLASS_LINK_LOCAL,
	CLASS_THIS_HOST, /* 0/8 and ::, which connect() takes for the loopback */
	CLASS_NEVER,     /* multicast, broadcast, the sandbox's own network */
	CLASS_OWN,
};

/* Ranges denied by themselves, the narrow before the wide. */
static const struct {
	const char *cidr;
	enum range_class class;
} builtin_text[] = {
	{ "169.254.169.254", CLASS_METADATA }, /* AWS, Azure, Google and most others */
	{ "169.254.170.2", CLASS_METADATA },   /* AWS task credentials */
	{ "168.63.129.16", CLASS_METADATA },   /* Azure's wire server */
	{ "100.100.100.200", CLASS_METADATA }, /* Alibaba */
	{ "192.0.0.192", CLASS_METADATA },     /* Oracle, old */
	{ "fd00:ec2::254", CLASS_METADATA },
	{ "fd00:ec2::23", CLASS_METADATA },
	{ "127.0.0.0/8", CLASS_LOOPBACK },
	{ "::1", CLASS_LOOPBACK },
	{ "0.0.0.0/8", CLASS_THIS_HOST },
	{ "::", CLASS_THIS_HOST },
	{ "169.254.0.0/16", CLASS_LINK_LOCAL },
	{ "fe80::/10", CLASS_LINK_LOCAL },
	{ "fec0::/10", CLASS_LINK_LOCAL }, /* site-local, deprecated by RFC 3879 */
	{ "224.0.0.0/4", CLASS_NEVER },
	{ "240.0.0.0/4", CLASS_NEVER },
	{ "ff00::/8", CLASS_NEVER },
};

static const char *const lan_text[] = {
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
};

/* Ranges of IPv6 that carry an IPv4 address, where, and whether turned round: NAT64 (RFC 6052, with
 * RFC 8215's as it is mostly used), 6to4 (RFC 3056), Teredo's client (RFC 4380), IPv4-translated
 * (RFC 2765) and IPv4-compatible addresses. What denies the one denies the other. */
static const struct {
	const char *cidr;
	size_t offset;
	uint8_t mask;
} embed_text[] = {
	{ "64:ff9b::/96", 12, 0 }, { "64:ff9b:1::/48", 12, 0 },  { "2002::/16", 2, 0 },
	{ "2001::/32", 12, 0xff }, { "::ffff:0:0:0/96", 12, 0 }, { "::/96", 12, 0 },
};

struct pin {
	struct net_addr addr;
	int64_t expires;
	char name[NET_NAME_MAX];
};

struct policy {
	pthread_mutex_t lock;
	bool open;
	bool default_allow;
	bool by_name; /* some rule is by name, so that pins are worth keeping */
	struct net_rule *rules;
	size_t rules_count;
	struct net_cidr builtin[ARRAY_LEN(builtin_text)];
	struct net_cidr lan[ARRAY_LEN(lan_text)];
	struct net_cidr embed[ARRAY_LEN(embed_text)];
	struct net_cidr vnets[VNETS_MAX];
	size_t vnets_count;
	struct net_addr *own;
	size_t own_count;
	struct pin *pins;
	size_t pins_count;
};

/* An address with what is known about it. */
struct target {
	const struct net_addr *addr;
	enum range_class class;
	const struct net_cidr *range; /* the range that gave the class, NULL for CLASS_OWN */
	int64_t now;
	bool refresh;
};

struct policy *policy_new(bool open)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	pthread_mutex_init(&policy->lock, NULL);
	policy->open = open;
	policy->default_allow = true;
	for (size_t i = 0; i < ARRAY_LEN(builtin_text); i++)
		net_cidr_parse(builtin_text[i].cidr, &policy->builtin[i]);
	for (size_t i = 0; i < ARRAY_LEN(lan_text); i++)
		net_cidr_parse(lan_text[i], &policy->lan[i]);
	for (size_t i = 0; i < ARRAY_LEN(embed_text); i++)
		net_cidr_parse(embed_text[i].cidr, &policy->embed[i]);
	return policy;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	pthread_mutex_destroy(&policy->lock);
	free(policy->rules);
	free(policy->own);
	free(policy->pins);
	free(policy);
}

int policy_add_rule(struct policy *policy, const struct net_rule *rule)
{
	struct net_rule *rules =
		realloc(policy->rules, (policy->rules_count + 1) * sizeof(*policy->rules));

	if (!rules)
		return -ENOMEM;
	policy->rules = rules;
	rules[policy->rules_count++] = *rule;
	if (rule->allow)
		policy->default_allow = false;
	if (rule->dest == NET_DEST_NAME || rule->dest == NET_DEST_SUFFIX)
		policy->by_name = true;
	if (policy->by_name && !policy->pins)
		policy->pins = calloc(PINS_MAX, sizeof(*policy->pins));
	return policy->by_name && !policy->pins ? -ENOMEM : 0;
}

int policy_add_vnet(struct policy *policy, const struct net_cidr *vnet)
{
	if (policy->vnets_count == VNETS_MAX)
		return -ENOMEM;
	policy->vnets[policy->vnets_count++] = *vnet;
	return 0;
}

int policy_set_own(struct policy *policy, const struct net_addr *own, size_t count)
{
	struct net_addr *copy = malloc((count + 1) * sizeof(*copy));
	struct net_addr *old;

	if (!copy)
		return -ENOMEM;
	if (count)
		memcpy(copy, own, count * sizeof(*copy));
	pthread_mutex_lock(&policy->lock);
	old = policy->own;
	policy->own = copy;
	policy->own_count = count;
	pthread_mutex_unlock(&policy->lock);
	free(old);
	return 0;
}

static void classify(const struct policy *policy, struct target *target)
{
	for (size_t i = 0; i < policy->vnets_count; i++) {
		if (net_cidr_has(&policy->vnets[i], target->addr)) {
			target->class = CLASS_NEVER;
			return;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(builtin_text); i++) {
		if (net_cidr_has(&policy->builtin[i], target->addr)) {
			target->class = builtin_text[i].class;
			target->range = &policy->builtin[i];
			return;
		}
	}
	for (size_t i = 0; i < policy->own_count; i++) {
		if (net_addr_equal(&policy->own[i], target->addr)) {
			target->class = CLASS_OWN;
			return;
		}
	}
}

/* The IPv4 address that addr stands for, if it is of a range that carries one. */
static bool embedded(const struct policy *policy, const struct net_addr *addr, struct net_addr *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(embed_text); i++) {
		if (!net_cidr_has(&policy->embed[i], addr))
			continue;
		net_addr_parse("0.0.0.0", ret);
		for (size_t k = 0; k < 4; k++)
			ret->b[12 + k] = addr->b[embed_text[i].offset + k] ^ embed_text[i].mask;
		return true;
	}
	return false;
}

static bool in_lan(const struct policy *policy, const struct net_addr *addr)
{
	for (size_t i = 0; i < ARRAY_LEN(lan_text); i++) {
		if (net_cidr_has(&policy->lan[i], addr))
			return true;
	}
	return false;
}

/* Whether an allow rule for this network names what denies the target by itself. */
static bool cidr_names(const struct net_cidr *cidr, const struct target *target)
{
	if (target->class == CLASS_NEVER)
		return false;
	if (target->class == CLASS_OWN)
		return cidr->prefix == 128;
	return cidr->prefix >= target->range->prefix;
}

static bool pinned(struct policy *policy, const struct net_rule *rule, const struct target *target)
{
	for (size_t i = 0; i < policy->pins_count; i++) {
		struct pin *pin = &policy->pins[i];

		if (pin->expires < target->now || !net_addr_equal(&pin->addr, target->addr) ||
		    !net_rule_has_name(rule, pin->name))
			continue;
		if (target->refresh && pin->expires < target->now + PIN_MIN_TTL)
			pin->expires = target->now + PIN_MIN_TTL;
		return true;
	}
	return false;
}

static bool rule_covers(struct policy *policy, const struct net_rule *rule,
                        const struct target *target)
{
	bool plain = target->class == CLASS_NONE || !rule->allow;

	switch (rule->dest) {
	case NET_DEST_ANY:
		return plain;
	case NET_DEST_CIDR:
		return net_cidr_has(&rule->cidr, target->addr) &&
		       (plain || cidr_names(&rule->cidr, target));
	case NET_DEST_NAME:
	case NET_DEST_SUFFIX:
		return plain && pinned(policy, rule, target);
	case NET_DEST_HOST:
		return target->class == CLASS_LOOPBACK || target->class == CLASS_OWN;
	case NET_DEST_LAN:
		return plain && in_lan(policy, target->addr);
	case NET_DEST_METADATA:
		return target->class == CLASS_METADATA;
	case NET_DEST_DNS:
		return false;
	}
	return false;
}

static bool is_special(const struct target *target)
{
	return target && target->class != CLASS_NONE;
}

/* behind: the IPv4 address in target, or NULL. A denial of that is one of both. */
static bool rule_matches(struct policy *policy, const struct net_rule *rule,
                         const struct target *target, const struct target *behind)
{
	return rule_covers(policy, rule, target) ||
	       (!rule->allow && behind && rule_covers(policy, rule, behind));
}

static enum policy_verdict check_locked(struct policy *policy, enum net_proto proto, uint16_t port,
                                        struct target *target, struct target *behind)
{
	classify(policy, target);
	if (behind)
		classify(policy, behind);
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct net_rule *rule = &policy->rules[i];

		if (!net_rule_has_port(rule, proto, port) ||
		    !rule_matches(policy, rule, target, behind))
			continue;
		if (!rule->allow)
			return POLICY_DENY_RULE;
		return !is_special(target) && is_special(behind) ? POLICY_DENY_BUILTIN
		                                                 : POLICY_ALLOW;
	}
	if (is_special(target) || is_special(behind))
		return POLICY_DENY_BUILTIN;
	return policy->default_allow ? POLICY_ALLOW : POLICY_DENY_DEFAULT;
}

enum policy_verdict policy_check(struct policy *policy, enum net_proto proto,
                                 const struct net_addr *addr, uint16_t port, int64_t now)
{
	struct target target = { .addr = addr, .now = now, .refresh = proto == NET_UDP };
	struct net_addr inner;
	struct target behind = { .addr = &inner, .now = now };
	enum policy_verdict verdict;

	if (policy->open)
		return POLICY_ALLOW;
	pthread_mutex_lock(&policy->lock);
	verdict = check_locked(policy, proto, port, &target,
	                       embedded(policy, addr, &inner) ? &behind : NULL);
	pthread_mutex_unlock(&policy->lock);
	return verdict;
}

bool policy_name_allowed(struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct net_rule *rule = &policy->rules[i];

		/* a denial of some ports only still needs the address, to know it by */
		if (!rule->allow &&
		    (rule->ports_count || rule->protos != (NET_TCP | NET_UDP | NET_ICMP)))
			continue;
		if (rule->dest == NET_DEST_DNS || rule->dest == NET_DEST_ANY ||
		    net_rule_has_name(rule, name))
			return rule->allow;
	}
	return policy->default_allow;
}

bool policy_answer_allowed(struct policy *policy, const struct net_addr *addr)
{
	struct target target = { .addr = addr };
	struct net_addr inner;
	bool ok;

	if (policy->open)
		return true;
	pthread_mutex_lock(&policy->lock);
	classify(policy, &target);
	if (target.class == CLASS_NONE && embedded(policy, addr, &inner)) {
		target.addr = &inner;
		classify(policy, &target);
	}
	ok = target.class == CLASS_NONE;
	for (size_t i = 0; !ok && i < policy->rules_count; i++) {
		if (rule_covers(policy, &policy->rules[i], &target)) {
			ok = policy->rules[i].allow;
			break;
		}
	}
	pthread_mutex_unlock(&policy->lock);
	return ok;
}

/* A slot for the pin: the same one again, a free one, or the one that ends first. */
static struct pin *pin_slot(struct policy *policy, const char *name, const struct net_addr *addr)
{
	struct pin *oldest = &policy->pins[0];

	for (size_t i = 0; i < policy->pins_count; i++) {
		struct pin *pin = &policy->pins[i];

		if (net_addr_equal(&pin->addr, addr) && strcmp(pin->name, name) == 0)
			return pin;
		if (pin->expires < oldest->expires)
			oldest = pin;
	}
	if (policy->pins_count < PINS_MAX)
		return &policy->pins[policy->pins_count++];
	return oldest;
}

static bool named_by_rule(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->rules_count; i++) {
		if (net_rule_has_name(&policy->rules[i], name))
			return true;
	}
	return false;
}

void policy_pin(struct policy *policy, const char *name, const struct net_addr *addr, uint32_t ttl,
                int64_t now)
{
	struct pin *pin;
	int64_t expires;

	if (!policy->by_name || !named_by_rule(policy, name))
		return;
	if (ttl > PIN_MAX_TTL)
		ttl = PIN_MAX_TTL;
	expires = now + (ttl < PIN_MIN_TTL ? PIN_MIN_TTL : ttl);
	pthread_mutex_lock(&policy->lock);
	pin = pin_slot(policy, name, addr);
	if (strcmp(pin->name, name) != 0 || !net_addr_equal(&pin->addr, addr) ||
	    pin->expires < expires)
		pin->expires = expires;
	pin->addr = *addr;
	snprintf(pin->name, sizeof(pin->name), "%s", name);
	pthread_mutex_unlock(&policy->lock);
}

const char *policy_verdict_word(enum policy_verdict verdict)
{
	switch (verdict) {
	case POLICY_ALLOW:
		return "allowed";
	case POLICY_DENY_RULE:
		return "rule";
	case POLICY_DENY_BUILTIN:
		return "built-in";
	case POLICY_DENY_DEFAULT:
		return "default";
	}
	return "?";
}
