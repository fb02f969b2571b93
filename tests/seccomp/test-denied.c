/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in profiles in the kernel: each refused call is made, natively, under its x32 number
 * and as a 32-bit program would, with arguments that no kernel accepts. The copy of the program
 * that is loaded has every errno raised by MARK, so that an errno tells who gave it.
 */
#include <errno.h>
#include <glib.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "core/cleanup.h"
#include "seccomp/builtin.h"
#include "seccomp/number.h"
#include "seccomp/profiles.h"

enum { MARK = 2000, X32_BIT = 0x40000000, ALIVE = 0 };

typedef long (*call_fn)(long nr, const long arg[6]);

static long call_native(long nr, const long arg[6])
{
	return syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]) < 0 ? -errno : 0;
}

#ifdef __x86_64__
static long call_x32(long nr, const long arg[6])
{
	return call_native(nr | X32_BIT, arg);
}

static long call_i386(long nr, const long arg[6])
{
	long ret;

	__asm__ volatile("int $0x80"
	                 : "=a"(ret)
	                 : "a"(nr), "b"(arg[0]), "c"(arg[1]), "d"(arg[2]), "S"(arg[3]), "D"(arg[4])
	                 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}
#endif

static int load_marked(const struct seccomp_builtin *builtin)
{
	g_autofree struct sock_filter *prog =
		g_memdup2(builtin->prog, builtin->len * sizeof(*prog));
	struct sock_fprog fprog = { builtin->len, prog };

	for (unsigned int i = 0; i < builtin->len; i++)
		if (prog[i].code == (BPF_RET | BPF_K) && prog[i].k != SECCOMP_RET_ALLOW)
			prog[i].k += MARK;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) < 0 ? -errno : 0;
}

/* The errno of one call under the filter, in a child that has nothing to lose. Not as root: what a
 * missing rule lets through must not do harm. */
static int call_under(const struct seccomp_builtin *builtin, call_fn call, long nr,
                      const long arg[6])
{
	int pipe_fd[2], result = -1;
	pid_t pid;

	g_assert_cmpint(pipe(pipe_fd), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		if (getuid() == 0 && setuid(65534) < 0)
			_exit(1);
		if (load_marked(builtin) < 0)
			_exit(2);
		result = (int)call(nr, arg);
		result = result < 0 ? -result : 0;
		if (write(pipe_fd[1], &result, sizeof(result)) < 0)
			_exit(3);
		_exit(ALIVE);
	}
	close(pipe_fd[1]);
	g_assert_cmpint(waitpid(pid, &result, 0), ==, pid);
	g_assert_cmpint(result, ==, ALIVE);
	g_assert_cmpint(read(pipe_fd[0], &result, sizeof(result)), ==, sizeof(result));
	close(pipe_fd[0]);
	return result;
}

static const long nonsense[6] = { -1, -1, -1, -1, -1, -1 };

static void deny_groups(const struct seccomp_profile *profile, uint32_t abi, call_fn call,
                        int error)
{
	const struct seccomp_builtin *builtin = seccomp_builtin_find(profile->name);
	const struct seccomp_group *const *group;
	unsigned int count = 0;

	for (group = profile->groups; *group; group++)
		for (const char *const *name = (*group)->calls; *name; name++) {
			int nr = seccomp_call_number(abi, *name);

			if ((*group)->error == 0 || nr < 0)
				continue;
			g_test_message("%s: %s, number %d", profile->name, *name, nr);
			g_assert_cmpint(call_under(builtin, call, nr, nonsense), ==,
			                MARK + (error ? error : (*group)->error));
			count++;
		}
	g_assert_cmpuint(count, >, 0);
}

static void test_native(void)
{
	const struct seccomp_profile *const *profile;

	for (profile = seccomp_profiles; *profile; profile++)
		deny_groups(*profile, seccomp_arch_native(), call_native, 0);
}

#ifdef __x86_64__
/* A kernel without x32 has no such numbers, and asks the filter all the same. */
static void test_x32(void)
{
	const struct seccomp_profile *const *profile;

	for (profile = seccomp_profiles; *profile; profile++)
		deny_groups(*profile, SCMP_ARCH_X86_64, call_x32, ENOSYS);
}

/* By hand and not by call_under: without 32-bit emulation the instruction kills. */
static int have_i386(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(call_i386(20 /* getpid */, nonsense) == getpid() ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void test_i386(void)
{
	const struct seccomp_profile *const *profile;

	if (!have_i386()) {
		g_test_skip("this kernel runs no 32-bit programs");
		return;
	}
	for (profile = seccomp_profiles; *profile; profile++)
		deny_groups(*profile, SCMP_ARCH_X86, call_i386, (*profile)->compat ? 0 : ENOSYS);
}

static void test_i386_arguments(void)
{
	const struct seccomp_builtin *builtin = seccomp_builtin_find("default");
	const long multiplexed[6] = { 1 /* SYS_SOCKET */, -1 };
	const long vsock[6] = { 40, 1, 0 };
	const long unix_stream[6] = { 1, 1, 0 };
	const long sti[6] = { -1, 0x5412, 0 };

	if (!have_i386()) {
		g_test_skip("this kernel runs no 32-bit programs");
		return;
	}
	g_assert_cmpint(call_under(builtin, call_i386, 102, multiplexed), ==, MARK + EAFNOSUPPORT);
	g_assert_cmpint(call_under(builtin, call_i386, 359, vsock), ==, MARK + EAFNOSUPPORT);
	g_assert_cmpint(call_under(builtin, call_i386, 359, unix_stream), ==, 0);
	g_assert_cmpint(call_under(builtin, call_i386, 54, sti), ==, MARK + EPERM);
	g_assert_cmpint(call_under(builtin, call_i386, 467 /* open_tree_attr */, nonsense), ==,
	                MARK + EPERM);
}
#endif

/* What passes a filter of all 64 bits passes this one no longer. */
static void test_upper_bits(void)
{
	static const long upper[] = { 0, 1L << 32, 1L << 62, (long)0xffffffff00000000 };
	const struct seccomp_builtin *builtin;

	for (builtin = seccomp_builtin_list(); builtin->name; builtin++)
		for (size_t i = 0; i < ARRAY_LEN(upper); i++) {
			const long sti[6] = { -1, upper[i] | 0x5412, 0 };
			const long tioclinux[6] = { -1, upper[i] | 0x541c, 0 };
			const long winsize[6] = { -1, upper[i] | 0x5413, 0 };
			const long vsock[6] = { upper[i] | 40, 1, 0 };
			const long inet[6] = { upper[i] | 2, 1, 0 };
			const long odd[6] = { upper[i] | 0x0400000, 0 };

			g_assert_cmpint(call_under(builtin, call_native, SYS_ioctl, sti), ==,
			                MARK + EPERM);
			g_assert_cmpint(call_under(builtin, call_native, SYS_ioctl, tioclinux), ==,
			                MARK + EPERM);
			g_assert_cmpint(call_under(builtin, call_native, SYS_ioctl, winsize), ==,
			                EBADF);
			g_assert_cmpint(call_under(builtin, call_native, SYS_socket, vsock), ==,
			                MARK + EAFNOSUPPORT);
			g_assert_cmpint(call_under(builtin, call_native, SYS_socket, inet), ==, 0);
			g_assert_cmpint(call_under(builtin, call_native, SYS_personality, odd), ==,
			                MARK + EPERM);
		}
}

static void test_open_tree_attr(void)
{
	g_assert_cmpint(call_under(seccomp_builtin_find("default"), call_native,
	                           467 /* open_tree_attr */, nonsense),
	                ==, MARK + EPERM);
	g_assert_cmpint(call_under(seccomp_builtin_find("nested"), call_native, 467, nonsense), <,
	                MARK);
}

/* strict: threads go by clone, and clone makes no namespace. */
static void test_strict_clone(void)
{
	const struct seccomp_builtin *builtin = seccomp_builtin_find("strict");
	const long user[6] = { 0x10000000 | 17, 0 };

	g_assert_cmpint(call_under(builtin, call_native, SYS_clone3, nonsense), ==, MARK + ENOSYS);
	g_assert_cmpint(call_under(builtin, call_native, SYS_clone, user), ==, MARK + EPERM);
	g_assert_cmpint(
		call_under(seccomp_builtin_find("default"), call_native, SYS_clone3, nonsense), <,
		MARK);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/seccomp/denied/native", test_native);
	g_test_add_func("/seccomp/denied/upper-bits", test_upper_bits);
	g_test_add_func("/seccomp/denied/open-tree-attr", test_open_tree_attr);
	g_test_add_func("/seccomp/denied/strict-clone", test_strict_clone);
#ifdef __x86_64__
	g_test_add_func("/seccomp/denied/x32", test_x32);
	g_test_add_func("/seccomp/denied/i386", test_i386);
	g_test_add_func("/seccomp/denied/i386-arguments", test_i386_arguments);
#endif
	return g_test_run();
}
