/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "seccomp/compile.h"

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/seccomp.h>

#include "core/cleanup.h"
#include "seccomp/profiles.h"

enum {
	HEAD_MAX = 512,
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	LOW_WORD = 4,
#else
	LOW_WORD = 0,
#endif
};

struct head {
	struct sock_filter insn[HEAD_MAX];
	size_t len;
};

/* The 32-bit ABI that a 64-bit kernel of this architecture offers besides its own; 0 for none. */
static uint32_t compat_abi(uint32_t native)
{
	switch (native) {
	case SCMP_ARCH_X86_64:
		return SCMP_ARCH_X86;
	case SCMP_ARCH_AARCH64:
		return SCMP_ARCH_ARM;
	case SCMP_ARCH_PPC64:
		return SCMP_ARCH_PPC;
	case SCMP_ARCH_S390X:
		return SCMP_ARCH_S390;
	default:
		return 0;
	}
}

static void emit(struct head *head, unsigned int code, uint32_t k, size_t jt, size_t jf)
{
	if (head->len < HEAD_MAX)
		head->insn[head->len] = (struct sock_filter){
			.code = (uint16_t)code,
			.jt = (uint8_t)jt,
			.jf = (uint8_t)jf,
			.k = k,
		};
	head->len++;
}

static void emit_load(struct head *head, size_t offset)
{
	emit(head, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_load_arg(struct head *head, unsigned int arg)
{
	emit_load(head, offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t) + LOW_WORD);
}

static void emit_return(struct head *head, int error)
{
	emit(head, BPF_RET | BPF_K, error ? SECCOMP_RET_ERRNO | (uint32_t)error : SECCOMP_RET_ALLOW,
	     0, 0);
}

/* The instructions that load the argument and test it; a refusal falls out at their end, anything
 * else goes over the one instruction that follows them. */
static void emit_test(struct head *head, const struct seccomp_check *check)
{
	unsigned int i, rest;

	emit_load_arg(head, check->arg);
	if (check->cond == COND_BITS) {
		emit(head, BPF_JMP | BPF_JSET | BPF_K, check->values[0], 0, 1);
		return;
	}
	for (i = 0; i < check->count; i++) {
		rest = check->count - 1 - i;
		if (check->cond == COND_IN)
			emit(head, BPF_JMP | BPF_JEQ | BPF_K, check->values[i], rest, rest ? 0 : 1);
		else
			emit(head, BPF_JMP | BPF_JEQ | BPF_K, check->values[i], rest + 1, 0);
	}
}

/* One check of the call nr. The accumulator holds the call's number before and after it. */
static void emit_check(struct head *head, const struct seccomp_check *check, uint32_t nr)
{
	size_t skip = head->len, guard;

	emit(head, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 0);
	guard = head->len;
	if (check->guard_arg != CHECK_UNGUARDED) {
		emit_load_arg(head, (unsigned int)check->guard_arg);
		guard = head->len;
		emit(head, BPF_JMP | BPF_JEQ | BPF_K, check->guard, 0, 0);
	}
	emit_test(head, check);
	emit_return(head, check->error);
	if (head->len >= HEAD_MAX)
		return;
	if (check->guard_arg != CHECK_UNGUARDED)
		head->insn[guard].jf = (uint8_t)(head->len - guard - 1);
	emit_load(head, offsetof(struct seccomp_data, nr));
	head->insn[skip].jf = (uint8_t)(head->len - skip - 1);
}

static bool call_is_young(const char *name)
{
	return seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR;
}

/* 0 when there is no such number, as 0 is never a young call's. */
static unsigned int young_number(const char *name)
{
	const struct seccomp_new_call *call;

	for (call = seccomp_new_calls; call->name; call++)
		if (strcmp(call->name, name) == 0)
			return call->nr;
	return 0;
}

/* The calls of the tables that libseccomp does not know. Skipped as a whole by all others. */
static int emit_young(struct head *head, const struct seccomp_profile *profile,
                      const char **ret_subject)
{
	const struct seccomp_group *const *group;
	const char *const *call;
	size_t skip = head->len;
	uint32_t first = UINT32_MAX;

	emit(head, BPF_JMP | BPF_JGE | BPF_K, 0, 0, 0);
	for (group = profile->groups; *group; group++)
		for (call = (*group)->calls; *call; call++) {
			unsigned int nr = young_number(*call);

			if (!call_is_young(*call))
				continue;
			*ret_subject = *call;
			if (nr == 0)
				return -ENOENT;
			first = nr < first ? nr : first;
			emit(head, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
			emit_return(head, (*group)->error);
		}
	if (head->len - skip > UINT8_MAX)
		return -E2BIG;
	if (head->len == skip + 1) {
		head->len = skip;
		return 0;
	}
	head->insn[skip].k = first;
	head->insn[skip].jf = (uint8_t)(head->len - skip - 1);
	return 0;
}

/* Everything that the head says about one ABI; the accumulator holds the ABI before it. */
static int emit_abi(struct head *head, const struct seccomp_profile *profile, uint32_t abi,
                    const char **ret_subject)
{
	const struct seccomp_check *const *check;
	unsigned int which = abi == seccomp_arch_native() ? CHECK_NATIVE : CHECK_COMPAT;
	size_t start = head->len;
	int nr, r;

	emit(head, BPF_JMP | BPF_JEQ | BPF_K, abi, 1, 0);
	emit(head, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_load(head, offsetof(struct seccomp_data, nr));
	for (check = profile->checks; *check; check++) {
		nr = seccomp_syscall_resolve_name_arch(abi, (*check)->call);
		*ret_subject = (*check)->call;
		if (nr == __NR_SCMP_ERROR)
			return -ENOENT;
		if (nr >= 0 && (*check)->abis & which)
			emit_check(head, *check, (uint32_t)nr);
	}
	r = emit_young(head, profile, ret_subject);
	if (r < 0)
		return r;
	emit_load(head, offsetof(struct seccomp_data, arch));
	if (head->len > HEAD_MAX)
		return -E2BIG;
	head->insn[start + 1].k = (uint32_t)(head->len - start - 2);
	return 0;
}

static int build_head(struct head *head, const struct seccomp_profile *profile,
                      const char **ret_subject)
{
	uint32_t native = seccomp_arch_native();
	uint32_t compat = profile->compat ? compat_abi(native) : 0;
	int r;

	emit_load(head, offsetof(struct seccomp_data, arch));
	r = emit_abi(head, profile, native, ret_subject);
	if (r == 0 && compat)
		r = emit_abi(head, profile, compat, ret_subject);
	return r;
}

static uint32_t action_of(int error)
{
	return error ? SCMP_ACT_ERRNO((unsigned int)error) : SCMP_ACT_ALLOW;
}

static int add_groups(scmp_filter_ctx ctx, const struct seccomp_profile *profile,
                      const char **ret_subject)
{
	const struct seccomp_group *const *group;
	const char *const *call;
	int r;

	for (group = profile->groups; *group; group++) {
		if ((*group)->error == profile->fallback)
			continue;
		for (call = (*group)->calls; *call; call++) {
			*ret_subject = *call;
			if (call_is_young(*call))
				continue;
			r = seccomp_rule_add(ctx, action_of((*group)->error),
			                     seccomp_syscall_resolve_name(*call), 0);
			/* -EDOM: no ABI of this filter has the call */
			if (r < 0 && r != -EDOM)
				return r;
		}
	}
	return 0;
}

static int fill_body(scmp_filter_ctx ctx, const struct seccomp_profile *profile,
                     const char **ret_subject)
{
	uint32_t compat = profile->compat ? compat_abi(seccomp_arch_native()) : 0;
	int r;

	*ret_subject = "attributes";
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0 && compat)
		r = seccomp_arch_add(ctx, compat);
	return r < 0 ? r : add_groups(ctx, profile, ret_subject);
}

/* Joins the head and the body that lies in fd. */
static int join(const struct head *head, int fd, struct sock_filter **ret_prog, size_t *ret_len)
{
	cleanup_free struct sock_filter *prog = NULL;
	size_t size, start = head->len * sizeof(*prog);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	size = start + (size_t)st.st_size;
	prog = malloc(size);
	if (!prog)
		return -ENOMEM;
	memcpy(prog, head->insn, start);
	if (pread(fd, (char *)prog + start, (size_t)st.st_size, 0) != st.st_size)
		return -EIO;
	if (size / sizeof(*prog) > BPF_MAXINSNS)
		return -E2BIG;
	*ret_len = size / sizeof(*prog);
	*ret_prog = steal_ptr(&prog);
	return 0;
}

int seccomp_compile(const struct seccomp_profile *profile, struct sock_filter **ret_prog,
                    size_t *ret_len, const char **ret_subject)
{
	struct head head = {.len = 0};
	cleanup_fd int fd = -1;
	scmp_filter_ctx ctx;
	int r;

	r = build_head(&head, profile, ret_subject);
	if (r < 0)
		return r;
	ctx = seccomp_init(action_of(profile->fallback));
	if (!ctx)
		return -ENOMEM;
	r = fill_body(ctx, profile, ret_subject);
	if (r == 0) {
		*ret_subject = "export";
		fd = memfd_create("bpf", MFD_CLOEXEC);
		r = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
	}
	seccomp_release(ctx);
	return r < 0 ? r : join(&head, fd, ret_prog, ret_len);
}
