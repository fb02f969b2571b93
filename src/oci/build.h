/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a parsed profile to BPF, by libseccomp, as a container runtime would: a rule whose action is
 * the default is left out, several conditions on one argument are alternatives, and in an
 * allow-list that answers with an errno, calls younger than every one it names get ENOSYS, so that
 * programs take their way for older kernels.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct oci_profile;
struct oci_target;
struct sock_filter;

/* Told of what could not be taken over; loud for what leaves something open that the profile means
 * to refuse. */
struct oci_notes {
	void (*note)(void *ctx, bool loud, const char *text);
	void *ctx;
};

struct oci_program {
	struct sock_filter *insn;
	size_t len;
};

/* Returns 0 and a program whose instructions the caller frees. */
int oci_build(const struct oci_profile *profile, const struct oci_target *target,
              const struct oci_notes *notes, struct oci_program *ret, struct err *err);
