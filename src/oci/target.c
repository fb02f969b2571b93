/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oci/target.h"

#include <seccomp.h>
#include <stdio.h>
#include <sys/capability.h>

#include "oci/profile.h"
#include "oci/words.h"

static bool holds_cap(const struct oci_target *target, const char *name)
{
	cap_value_t cap;

	return cap_from_name(name, &cap) == 0 && cap >= 0 && cap < 64 && target->caps >> cap & 1;
}

static bool lists_arch(const struct oci_strings *arches, uint32_t arch)
{
	const struct oci_word *machine;
	size_t i;

	for (i = 0; i < arches->len; i++) {
		machine = oci_word_find(oci_machines, arches->list[i]);
		if (machine && machine->value == arch)
			return true;
	}
	return false;
}

static bool asks_kernel(const struct oci_filter *filter)
{
	return filter->kernel_major || filter->kernel_minor;
}

static bool is_kernel(const struct oci_filter *filter, const struct oci_target *target)
{
	return target->kernel_major > filter->kernel_major ||
	       (target->kernel_major == filter->kernel_major &&
	        target->kernel_minor >= filter->kernel_minor);
}

static bool is_included(const struct oci_filter *filter, const struct oci_target *target, char *why,
                        size_t size)
{
	size_t i;

	for (i = 0; i < filter->caps.len; i++)
		if (!holds_cap(target, filter->caps.list[i])) {
			snprintf(why, size, "without %s", filter->caps.list[i]);
			return false;
		}
	if (filter->arches.len && !lists_arch(&filter->arches, target->arch)) {
		snprintf(why, size, "on another architecture");
		return false;
	}
	if (asks_kernel(filter) && !is_kernel(filter, target)) {
		snprintf(why, size, "before Linux %u.%u", filter->kernel_major,
		         filter->kernel_minor);
		return false;
	}
	return true;
}

static bool is_excluded(const struct oci_filter *filter, const struct oci_target *target, char *why,
                        size_t size)
{
	size_t i;

	for (i = 0; i < filter->caps.len; i++)
		if (holds_cap(target, filter->caps.list[i])) {
			snprintf(why, size, "with %s", filter->caps.list[i]);
			return true;
		}
	if (lists_arch(&filter->arches, target->arch)) {
		snprintf(why, size, "on this architecture");
		return true;
	}
	if (asks_kernel(filter) && is_kernel(filter, target)) {
		snprintf(why, size, "from Linux %u.%u on", filter->kernel_major,
		         filter->kernel_minor);
		return true;
	}
	return false;
}

bool oci_rule_applies(const struct oci_rule *rule, const struct oci_target *target, char *why,
                      size_t size)
{
	return is_included(&rule->includes, target, why, size) &&
	       !is_excluded(&rule->excludes, target, why, size);
}

static size_t add_abi(uint32_t *list, size_t len, size_t size, uint32_t abi)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (list[i] == abi)
			return len;
	if (len < size)
		list[len++] = abi;
	return len;
}

size_t oci_target_abis(const struct oci_profile *profile, const struct oci_target *target,
                       uint32_t *ret, size_t size)
{
	size_t i, j, len = add_abi(ret, 0, size, target->arch);

	for (i = 0; i < profile->arch_len; i++)
		len = add_abi(ret, len, size, profile->arches[i]);
	for (i = 0; i < profile->map_len; i++)
		for (j = 0; profile->map[i].arch == target->arch && j < profile->map[i].sub_len;
		     j++)
			len = add_abi(ret, len, size, profile->map[i].sub[j]);
	return len;
}

uint32_t oci_target_action(const struct oci_target *target, uint32_t action)
{
	return target->log && action != SCMP_ACT_ALLOW ? SCMP_ACT_LOG : action;
}
