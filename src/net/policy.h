/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the sandbox may reach. Rules are tried in order and the first that covers the destination
 * decides; then come the denials that need no rule (loopback, link-local, metadata, the host's own
 * addresses, multicast); then the default, which is to deny as soon as one rule allows something.
 *
 * An allow rule opens a range that is denied by itself only when it names it: @host, @metadata, or
 * a network that lies inside the range. The sandbox's own network is never reached through here.
 *
 * An IPv6 address that carries an IPv4 address (NAT64 and the like) is denied by whatever denies
 * that one.
 *
 * A rule by name covers the addresses that the helper's resolver answered for that name (pins).
 * All functions may be called from several threads at once; times are CLOCK_MONOTONIC seconds.
 */
#pragma once

#include <stdint.h>

#include "core/net-rule.h"

struct policy;

enum policy_verdict {
	POLICY_ALLOW,
	POLICY_DENY_RULE,
	POLICY_DENY_BUILTIN,
	POLICY_DENY_DEFAULT,
};

/* A policy without rules. open: nothing is denied by itself (slirp4netns' behaviour). NULL: no
 * memory. */
struct policy *policy_new(bool open);
void policy_free(struct policy *policy);

/* Adds a rule at the end, or one of the sandbox's own networks: 0 or -ENOMEM. */
int policy_add_rule(struct policy *policy, const struct net_rule *rule);
int policy_add_vnet(struct policy *policy, const struct net_cidr *vnet);

/* Replaces the list of the host's own addresses (copied): 0, or -ENOMEM and the old one stays. */
int policy_set_own(struct policy *policy, const struct net_addr *own, size_t count);

/* Whether the payload may send to addr:port. A pin that allows a datagram is kept alive. */
enum policy_verdict policy_check(struct policy *policy, enum net_proto proto,
                                 const struct net_addr *addr, uint16_t port, int64_t now);

/* Whether name (lower case) may be looked up. */
bool policy_name_allowed(struct policy *policy, const char *name);

/* Whether addr may be handed out as an answer for a name: no, if it is denied by itself and no
 * rule names it (DNS rebinding). */
bool policy_answer_allowed(struct policy *policy, const struct net_addr *addr);

/* Remembers for ttl seconds (at least a minute) that name stands for addr. */
void policy_pin(struct policy *policy, const char *name, const struct net_addr *addr, uint32_t ttl,
                int64_t now);

/* One word for a log: "rule", "built-in", "default". */
const char *policy_verdict_word(enum policy_verdict verdict);
