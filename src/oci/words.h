/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of OCI and Docker seccomp profiles and what libseccomp calls them. Sources: the OCI
 * runtime specification (config-linux, Seccomp) and Docker's documentation of its profile.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct oci_word {
	const char *word;
	uint32_t value;
};

extern const struct oci_word oci_actions[];       /* SCMP_ACT_*, errno actions without errno */
extern const struct oci_word oci_operators[];     /* SCMP_CMP_*, enum scmp_compare */
extern const struct oci_word oci_architectures[]; /* SCMP_ARCH_* */
extern const struct oci_word oci_machines[];      /* amd64, x86_64, ...: SCMP_ARCH_* as well */
extern const struct oci_word oci_flags[];         /* SECCOMP_FILTER_FLAG_* */

/* The entry of that word, or NULL. Tables end with a NULL word. */
const struct oci_word *oci_word_find(const struct oci_word *table, const char *word);

/* The first word of that value; "?" when there is none. */
const char *oci_word_name(const struct oci_word *table, uint32_t value);

/* All words of a table, separated by ", ", cut to size. */
void oci_word_list(const struct oci_word *table, char *buf, size_t size);

/* The number behind a name such as EPERM, or -1. */
int oci_errno_number(const char *name);
