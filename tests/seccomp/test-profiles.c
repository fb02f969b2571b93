/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in programs, asked about every call of every ABI and held against the tables and
 * against filters that libseccomp makes of the same tables. Nothing is loaded into the kernel here.
 */
#include <errno.h>
#include <glib.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "core/cleanup.h"
#include "seccomp/builtin.h"
#include "seccomp/number.h"
#include "seccomp/profiles.h"
#include "simulate.h"

enum { CALLS = 600, X32_BIT = 0x40000000 };

static uint32_t expected(int error)
{
	return error ? SECCOMP_RET_ERRNO | (uint32_t)error : SECCOMP_RET_ALLOW;
}

static uint32_t ask(const struct seccomp_builtin *builtin, struct seccomp_data data)
{
	return simulate(builtin->prog, builtin->len, &data);
}

static int is_young(const char *name)
{
	return seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR;
}

static int has_check(const struct seccomp_profile *profile, uint32_t abi, int nr)
{
	const struct seccomp_check *const *check;

	for (check = profile->checks; *check; check++)
		if (seccomp_call_number(abi, (*check)->call) == nr)
			return 1;
	return 0;
}

/* The tables without their checks and without young calls, as libseccomp understands them. */
static struct sock_filter *reference(const struct seccomp_profile *profile, uint32_t abi,
                                     size_t *ret_len)
{
	scmp_filter_ctx ctx = seccomp_init(expected(profile->fallback));
	const struct seccomp_group *const *group;
	cleanup_fd int fd = memfd_create("reference", MFD_CLOEXEC);
	struct sock_filter *prog;
	struct stat st;

	g_assert_nonnull(ctx);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), ==, 0);
	if (abi != seccomp_arch_native()) {
		g_assert_cmpint(seccomp_arch_add(ctx, abi), ==, 0);
		g_assert_cmpint(seccomp_arch_remove(ctx, seccomp_arch_native()), ==, 0);
	}
	for (group = profile->groups; *group; group++)
		for (const char *const *call = (*group)->calls; *call; call++) {
			int nr = seccomp_call_number(abi, *call);

			if (nr < 0 || is_young(*call) || (*group)->error == profile->fallback)
				continue;
			nr = seccomp_syscall_resolve_name(*call);
			g_assert_cmpint(seccomp_rule_add(ctx, expected((*group)->error), nr, 0), ==,
			                0);
		}
	g_assert_cmpint(seccomp_export_bpf(ctx, fd), ==, 0);
	seccomp_release(ctx);
	g_assert_cmpint(fstat(fd, &st), ==, 0);
	prog = g_malloc((gsize)st.st_size);
	g_assert_cmpint(pread(fd, prog, (size_t)st.st_size, 0), ==, st.st_size);
	*ret_len = (size_t)st.st_size / sizeof(*prog);
	return prog;
}

static int young_nr(unsigned int nr)
{
	const struct seccomp_new_call *call;

	for (call = seccomp_new_calls; call->name; call++)
		if (call->nr == nr && is_young(call->name))
			return 1;
	return 0;
}

static void compare_abi(const struct seccomp_profile *profile, uint32_t abi)
{
	const struct seccomp_builtin *builtin = seccomp_builtin_find(profile->name);
	g_autofree struct sock_filter *other = NULL;
	size_t len;

	other = reference(profile, abi, &len);
	for (int nr = 0; nr < CALLS; nr++) {
		struct seccomp_data data = { .nr = nr, .arch = abi };

		if (has_check(profile, abi, nr) || young_nr((unsigned int)nr))
			continue;
		g_test_message("%s, abi %x, call %d", profile->name, abi, nr);
		g_assert_cmphex(ask(builtin, data), ==, simulate(other, len, &data));
	}
}

static void test_same_as_libseccomp(void)
{
	const struct seccomp_profile *const *profile;

	for (profile = seccomp_profiles; *profile; profile++) {
		compare_abi(*profile, seccomp_arch_native());
		if ((*profile)->compat && seccomp_arch_native() == SCMP_ARCH_X86_64)
			compare_abi(*profile, SCMP_ARCH_X86);
	}
}

static void test_young_calls(void)
{
	const struct seccomp_profile *const *profile;
	const struct seccomp_group *const *group;
	const struct seccomp_new_call *young;

	for (young = seccomp_new_calls; young->name; young++) {
		int nr = seccomp_syscall_resolve_name(young->name);

		g_assert_true(nr == __NR_SCMP_ERROR || nr == (int)young->nr);
		for (profile = seccomp_profiles; *profile; profile++) {
			int error = (*profile)->fallback;

			for (group = (*profile)->groups; *group; group++)
				if (g_strv_contains((*group)->calls, young->name))
					error = (*group)->error;
			g_test_message("%s: %s", (*profile)->name, young->name);
			g_assert_cmphex(ask(seccomp_builtin_find((*profile)->name),
			                    (struct seccomp_data){
						    .nr = (int)young->nr,
						    .arch = seccomp_arch_native(),
					    }),
			                ==, expected(error));
		}
	}
}

static int has_value(const struct seccomp_check *check, uint32_t value)
{
	for (unsigned int i = 0; i < check->count; i++)
		if (check->values[i] == value)
			return 1;
	return 0;
}

static int refuses(const struct seccomp_check *check, uint32_t value)
{
	switch (check->cond) {
	case COND_IN:
		return has_value(check, value);
	case COND_NOT_IN:
		return !has_value(check, value);
	case COND_BITS:
		return (check->values[0] & value) != 0;
	default:
		g_assert_not_reached();
	}
}

/* Every value near an interesting one, with nothing, something and everything in the upper half. */
static void try_values(const struct seccomp_builtin *builtin, const struct seccomp_check *check,
                       uint32_t abi)
{
	static const uint64_t upper[] = { 0, UINT64_C(1) << 32, UINT64_C(0xffffffff) << 32 };
	struct seccomp_data data = { .arch = abi };
	uint32_t value;

	data.nr = seccomp_call_number(abi, check->call);
	if (data.nr < 0) {
		/* the one call that not every ABI has */
		g_assert_cmpstr(check->call, ==, "socketcall");
		return;
	}
	for (unsigned int i = 0; i < check->count * 3 + 64; i++) {
		value = i < check->count * 3 ? check->values[i / 3] + i % 3 - 1 : i;
		for (unsigned int u = 0; u < ARRAY_LEN(upper); u++) {
			memset(data.args, 0, sizeof(data.args));
			if (check->guard_arg != CHECK_UNGUARDED)
				data.args[check->guard_arg] = upper[u] | check->guard;
			data.args[check->arg] = upper[u] | value;
			g_test_message("%s: %s(%llx)", builtin->name, check->call,
			               (unsigned long long)data.args[check->arg]);
			if (refuses(check, value))
				g_assert_cmphex(ask(builtin, data), ==, expected(check->error));
			else if (strcmp(check->call, "socket") != 0)
				g_assert_cmphex(ask(builtin, data), ==, SECCOMP_RET_ALLOW);
		}
	}
}

static void test_checks(void)
{
	const struct seccomp_profile *const *profile;
	const struct seccomp_check *const *check;
	const struct seccomp_builtin *builtin;

	for (profile = seccomp_profiles; *profile; profile++) {
		builtin = seccomp_builtin_find((*profile)->name);
		for (check = (*profile)->checks; *check; check++) {
			if ((*check)->abis & CHECK_NATIVE)
				try_values(builtin, *check, seccomp_arch_native());
			if ((*check)->abis & CHECK_COMPAT && (*profile)->compat &&
			    seccomp_arch_native() == SCMP_ARCH_X86_64)
				try_values(builtin, *check, SCMP_ARCH_X86);
		}
	}
}

/* Two checks of one call: each has its say. */
static void test_socket(void)
{
	static const struct {
		uint64_t family, protocol;
		int error;
	} cases[] = {
		{ 1, 0, 0 },
		{ 2, 6, 0 },
		{ 2, 12, 0 },
		{ 10, 58, 0 },
		{ 16, 0, 0 },
		{ 16, 4, 0 },
		{ 16, 12, EPROTONOSUPPORT },
		{ 16, 6, EPROTONOSUPPORT },
		{ 16 | UINT64_C(1) << 40, 12, EPROTONOSUPPORT },
		{ 16, 12 | UINT64_C(1) << 63, EPROTONOSUPPORT },
		{ 17, 0, EAFNOSUPPORT },
		{ 38, 0, EAFNOSUPPORT },
		{ 40, 0, EAFNOSUPPORT },
		{ 40 | UINT64_C(1) << 32, 0, EAFNOSUPPORT },
	};
	int nr = seccomp_syscall_resolve_name("socket");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct seccomp_data data = {
			.nr = nr,
			.arch = seccomp_arch_native(),
			.args = { cases[i].family, 1, cases[i].protocol },
		};

		g_assert_cmphex(ask(seccomp_builtin_find("default"), data), ==,
		                expected(cases[i].error));
		g_assert_cmphex(ask(seccomp_builtin_find("strict"), data), ==,
		                expected(cases[i].error));
	}
}

static void test_foreign_abis(void)
{
	static const uint32_t abis[] = { SCMP_ARCH_MIPS, SCMP_ARCH_PPC64LE, SCMP_ARCH_RISCV64, 0,
		                         0xffffffff };
	const struct seccomp_builtin *builtin;
	int nr;

	for (builtin = seccomp_builtin_list(); builtin->name; builtin++)
		for (nr = 0; nr < CALLS; nr++) {
			for (size_t i = 0; i < ARRAY_LEN(abis); i++)
				if (abis[i] != seccomp_arch_native())
					g_assert_cmphex(ask(builtin,
					                    (struct seccomp_data){
								    .nr = nr, .arch = abis[i] }),
					                ==, expected(ENOSYS));
			if (seccomp_arch_native() != SCMP_ARCH_X86_64)
				continue;
			g_assert_cmphex(
				ask(builtin, (struct seccomp_data){ .nr = nr | X32_BIT,
			                                            .arch = SCMP_ARCH_X86_64 }),
				==, expected(ENOSYS));
			if (strcmp(builtin->name, "strict") == 0)
				g_assert_cmphex(ask(builtin,
				                    (struct seccomp_data){ .nr = nr,
				                                           .arch = SCMP_ARCH_X86 }),
				                ==, expected(ENOSYS));
		}
}

static void test_list(void)
{
	const struct seccomp_profile *const *profile;

	for (profile = seccomp_profiles; *profile; profile++) {
		const struct seccomp_builtin *builtin = seccomp_builtin_find((*profile)->name);

		g_assert_nonnull(builtin);
		g_assert_cmpstr(builtin->summary, ==, (*profile)->summary);
		g_assert_nonnull(builtin->lines[0]);
	}
	g_assert_null(seccomp_builtin_find("none"));
	g_assert_null(seccomp_builtin_find(""));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/seccomp/profiles/list", test_list);
	g_test_add_func("/seccomp/profiles/same-as-libseccomp", test_same_as_libseccomp);
	g_test_add_func("/seccomp/profiles/young-calls", test_young_calls);
	g_test_add_func("/seccomp/profiles/checks", test_checks);
	g_test_add_func("/seccomp/profiles/socket", test_socket);
	g_test_add_func("/seccomp/profiles/foreign-abis", test_foreign_abis);
	return g_test_run();
}
