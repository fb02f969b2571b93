/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls of a process that ptrace(2) has stopped at one: its registers, and what can become
 * of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

#include <linux/ptrace.h>

#if defined(__x86_64__)
typedef struct user_regs_struct regs_type;
#define REG_ARG(regs, i) (*((i) == 0 ? &(regs)->rdi : (i) == 1 ? &(regs)->rsi : &(regs)->rdx))
#define REG_RESULT(regs) ((regs)->rax)
#elif defined(__aarch64__)
typedef struct user_regs_struct regs_type;
#define REG_ARG(regs, i) ((regs)->regs[i])
#define REG_RESULT(regs) ((regs)->regs[0])
#endif

void calls_get_regs(pid_t pid, regs_type *regs);

void calls_set_regs(pid_t pid, regs_type *regs);

/* The kernel then runs no call at all, and leaves the result to us. */
void calls_skip(pid_t pid);

/* Calls of which the manual says that they always succeed, or that do not come back; and those with
 * which the C library begins a thread, which it cannot do without. */
bool calls_cannot_fail(uint64_t nr);

/* A file or a pipe may take or give less than it was asked for; a packet is whole. */
bool calls_can_be_short(pid_t pid, const struct ptrace_syscall_info *info);

/* What the dynamic loader does before main(): its failures are told in its words, not in ours. */
bool calls_are_loading(uint64_t nr);
