/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A seccomp profile in the JSON that Docker, podman and the OCI runtime specification share, as C.
 * Parsing is pure and total: it looks at nothing but the text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct json_object;

enum { OCI_ARGS_MAX = 6, OCI_TEXT_MAX = 4 << 20 };

/* All strings belong to the JSON tree, all arrays to the profile. */
struct oci_strings {
	const char **list;
	size_t len;
};

/* A condition on where the profile is used. Empty parts ask for nothing. */
struct oci_filter {
	struct oci_strings caps;
	struct oci_strings arches;
	unsigned int kernel_major, kernel_minor; /* 0.0 for none */
};

struct oci_arg {
	unsigned int index;
	uint32_t op; /* enum scmp_compare */
	uint64_t value;
	uint64_t value_two;
};

struct oci_rule {
	struct oci_strings names;
	uint32_t action; /* of libseccomp, with its errno */
	struct oci_arg args[OCI_ARGS_MAX];
	size_t arg_count;
	struct oci_filter includes, excludes;
};

struct oci_arch_map {
	uint32_t arch;
	uint32_t *sub;
	size_t sub_len;
};

struct oci_profile {
	struct json_object *json;
	uint32_t action; /* for what no rule names */
	uint32_t *arches;
	size_t arch_len;
	struct oci_arch_map *map;
	size_t map_len;
	struct oci_rule *rules;
	size_t rule_len;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_ bits */
};

/* Parses text of len bytes. On failure err says where (line and column, or the member's path) and
 * what is accepted, and there is nothing to free. */
int oci_profile_parse(const char *text, size_t len, struct oci_profile *ret, struct err *err);
void oci_profile_free(struct oci_profile *profile);
