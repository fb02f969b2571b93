/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a profile's conditions are held against: the machine, and what the payload may do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oci_profile;
struct oci_rule;

struct oci_target {
	uint32_t arch; /* SCMP_ARCH_ of this machine */
	uint64_t caps; /* bit N for capability number N */
	unsigned int kernel_major, kernel_minor;
	bool log; /* log what the profile refuses, and let it through */
};

/* Whether the rule is in force there; if not, why is filled with a few words. */
bool oci_rule_applies(const struct oci_rule *rule, const struct oci_target *target, char *why,
                      size_t size);

/* The ABIs of the filter: the machine's own first, then those of the profile without repetition.
 * Writes at most size entries and returns how many. */
size_t oci_target_abis(const struct oci_profile *profile, const struct oci_target *target,
                       uint32_t *ret, size_t size);

/* What becomes of an action there. */
uint32_t oci_target_action(const struct oci_target *target, uint32_t action);
