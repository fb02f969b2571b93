/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a seccomp profile: refused with a message, or a filter that answers every call. */
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "../tests/seccomp/simulate.h"
#include "core/cleanup.h"
#include "core/err.h"
#include "oci/build.h"
#include "oci/profile.h"
#include "oci/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_note(void *ctx, bool loud, const char *text)
{
	(void)ctx;
	(void)loud;
	(void)text;
}

static void ask_about_calls(const struct sock_filter *prog, size_t len)
{
	static const uint32_t abis[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64 };
	struct seccomp_data data = { .args = { 1, UINT64_MAX, 5, 40, UINT64_C(1) << 32, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(abis); i++)
		for (data.nr = -1; data.nr < 480; data.nr += 7) {
			data.arch = abis[i];
			(void)simulate(prog, len, &data);
		}
}

static void try_target(const struct oci_profile *profile, const struct oci_target *target)
{
	const struct oci_notes notes = { ignore_note, NULL };
	struct oci_program program = { 0 };
	struct err err;

	if (oci_build(profile, target, &notes, &program, &err) < 0) {
		if (!err.subject[0])
			abort();
		return;
	}
	ask_about_calls(program.insn, program.len);
	free(program.insn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_target target = { .arch = seccomp_arch_native(),
		                     .kernel_major = 6,
		                     .kernel_minor = 1,
		                     .caps = UINT64_C(1) << 21 };
	struct oci_profile profile;
	struct err err = { 0 };

	if (oci_profile_parse((const char *)data, size, &profile, &err) < 0) {
		if (!err.subject[0])
			abort();
		return 0;
	}
	try_target(&profile, &target);
	target.log = true;
	try_target(&profile, &target);
	oci_profile_free(&profile);
	return 0;
}
