/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "calls.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

void calls_get_regs(pid_t pid, regs_type *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov);
}

void calls_set_regs(pid_t pid, regs_type *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };

	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov);
}

void calls_skip(pid_t pid)
{
#if defined(__x86_64__)
	regs_type regs;

	calls_get_regs(pid, &regs);
	regs.orig_rax = (unsigned long long)-1;
	calls_set_regs(pid, &regs);
#elif defined(__aarch64__)
	int none = -1;
	struct iovec iov = { &none, sizeof(none) };

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &iov);
#endif
}

bool calls_cannot_fail(uint64_t nr)
{
	static const int numbers[] = { SYS_getuid,         SYS_geteuid,      SYS_getgid,
		                       SYS_getegid,        SYS_getppid,      SYS_getpid,
		                       SYS_gettid,         SYS_umask,        SYS_exit,
		                       SYS_exit_group,     SYS_rt_sigreturn, SYS_rseq,
		                       SYS_set_robust_list };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (nr == (uint64_t)numbers[i])
			return true;
	return false;
}

static bool is_socket(pid_t pid, uint64_t fd)
{
	char path[64];
	char target[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, (int)fd);
	return readlink(path, target, sizeof(target) - 1) > 0 && strncmp(target, "socket:", 7) == 0;
}

bool calls_can_be_short(pid_t pid, const struct ptrace_syscall_info *info)
{
	return (info->entry.nr == SYS_read || info->entry.nr == SYS_write) &&
	       info->entry.args[2] > 1 && !is_socket(pid, info->entry.args[0]);
}

bool calls_are_loading(uint64_t nr)
{
	static const int numbers[] = {
		SYS_openat,          SYS_read,      SYS_close,     SYS_mmap,
		SYS_mprotect,        SYS_munmap,    SYS_brk,       SYS_newfstatat,
		SYS_fstat,           SYS_pread64,   SYS_faccessat, SYS_set_tid_address,
		SYS_set_robust_list, SYS_prlimit64, SYS_getrandom, SYS_rseq,
		SYS_futex,           SYS_statfs,
#ifdef SYS_arch_prctl
		SYS_arch_prctl,      SYS_access,
#endif
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (nr == (uint64_t)numbers[i])
			return true;
	return false;
}
