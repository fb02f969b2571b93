/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seccomp/compile.h"

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>

#include <linux/seccomp.h>

#include "core/cleanup.h"
#include "seccomp/assemble.h"
#include "seccomp/number.h"
#include "seccomp/profiles.h"

enum {
	CALLS_MAX = 1024,
	X32_BIT = 0x40000000,
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	LOW_WORD = 4,
#else
	LOW_WORD = 0,
#endif
};

/* What one call of the ABI gets: an action, or the label of its checks. */
struct answer {
	uint32_t first; /* the call, later the first of a range */
	uint32_t action;
	int checks; /* a label, or ASM_NEXT */
};

struct abi {
	uint32_t token; /* an AUDIT_ARCH_ number */
	struct answer answers[CALLS_MAX];
	size_t len;
	struct {
		uint32_t action;
		int label;
	} returns[16];
	size_t return_count;
};

/* The 32-bit ABI that a 64-bit kernel of this architecture offers besides its own; 0 for none. */
static uint32_t compat_token(uint32_t native)
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

static uint32_t action_of(int error)
{
	return error ? SECCOMP_RET_ERRNO | (uint32_t)error : SECCOMP_RET_ALLOW;
}

static int add_answer(struct abi *abi, int nr, uint32_t action)
{
	if (abi->len + 2 >= CALLS_MAX)
		return -E2BIG;
	abi->answers[abi->len++] = (struct answer){ (uint32_t)nr, action, ASM_NEXT };
	return 0;
}

static int collect_calls(struct abi *abi, const struct seccomp_profile *profile,
                         const char **ret_subject)
{
	const struct seccomp_group *const *group;
	const char *const *call;
	int nr, r = 0;

	for (group = profile->groups; *group; group++)
		for (call = (*group)->calls; *call && r == 0; call++) {
			*ret_subject = *call;
			nr = seccomp_call_number(abi->token, *call);
			if (nr == -ENOENT)
				return nr;
			if (nr >= 0)
				r = add_answer(abi, nr, action_of((*group)->error));
		}
	return r;
}

static struct answer *find_answer(struct abi *abi, uint32_t nr)
{
	size_t i;

	for (i = 0; i < abi->len; i++)
		if (abi->answers[i].first == nr)
			return &abi->answers[i];
	return NULL;
}

static bool check_holds(const struct abi *abi, const struct seccomp_check *check)
{
	return check->abis & (abi->token == seccomp_arch_native() ? CHECK_NATIVE : CHECK_COMPAT);
}

/* Marks the calls that have checks; what passes the checks gets the answer without them. */
static int collect_checks(struct abi *abi, const struct seccomp_profile *profile,
                          struct asm_code *code, const char **ret_subject)
{
	const struct seccomp_check *const *check;
	struct answer *answer;
	int nr, r;

	for (check = profile->checks; *check; check++) {
		*ret_subject = (*check)->call;
		nr = seccomp_call_number(abi->token, (*check)->call);
		if (nr == -ENOENT)
			return nr;
		if (nr < 0 || !check_holds(abi, *check))
			continue;
		answer = find_answer(abi, (uint32_t)nr);
		if (!answer) {
			r = add_answer(abi, nr, action_of(profile->fallback));
			if (r < 0)
				return r;
			answer = &abi->answers[abi->len - 1];
		}
		if (answer->checks == ASM_NEXT)
			answer->checks = asm_new_label(code);
	}
	return 0;
}

static int compare_answers(const void *a, const void *b)
{
	const struct answer *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void add_range(struct answer *ranges, size_t *len, struct answer next)
{
	const struct answer *last = *len ? &ranges[*len - 1] : NULL;

	if (!last || last->action != next.action || last->checks != next.checks)
		ranges[(*len)++] = next;
}

/* From single calls to ranges that cover all numbers. The caller frees the ranges. */
static int make_ranges(struct abi *abi, uint32_t fallback, struct answer **ret, size_t *ret_len)
{
	struct answer *ranges = calloc(2 * abi->len + 3, sizeof(*ranges));
	uint32_t next = 0;
	size_t i, len = 0;

	if (!ranges)
		return -ENOMEM;
	qsort(abi->answers, abi->len, sizeof(abi->answers[0]), compare_answers);
	for (i = 0; i < abi->len; i++) {
		if (abi->answers[i].first > next)
			add_range(ranges, &len, (struct answer){ next, fallback, ASM_NEXT });
		add_range(ranges, &len, abi->answers[i]);
		next = abi->answers[i].first + 1;
	}
	add_range(ranges, &len, (struct answer){ next, fallback, ASM_NEXT });
	/* x32 calls come under x86_64's name, with a bit of their own */
	if (abi->token == SCMP_ARCH_X86_64)
		add_range(ranges, &len, (struct answer){ X32_BIT, action_of(ENOSYS), ASM_NEXT });
	*ret = ranges;
	*ret_len = len;
	return 0;
}

/* The label of the one instruction of this ABI that returns the action. */
static int return_label(struct abi *abi, struct asm_code *code, uint32_t action)
{
	size_t i;

	for (i = 0; i < abi->return_count; i++)
		if (abi->returns[i].action == action)
			return abi->returns[i].label;
	if (abi->return_count == ARRAY_LEN(abi->returns))
		return ASM_LABELS; /* asm_finish refuses it */
	abi->returns[i].action = action;
	abi->returns[i].label = asm_new_label(code);
	abi->return_count++;
	return abi->returns[i].label;
}

static int answer_label(struct abi *abi, struct asm_code *code, const struct answer *answer)
{
	return answer->checks != ASM_NEXT ? answer->checks
	                                  : return_label(abi, code, answer->action);
}

static void emit_tree(struct abi *abi, struct asm_code *code, const struct answer *ranges,
                      size_t len)
{
	size_t half = len / 2;
	int upper;

	if (len == 1) {
		asm_goto(code, answer_label(abi, code, ranges));
		return;
	}
	upper = len - half == 1 ? answer_label(abi, code, &ranges[half]) : asm_new_label(code);
	asm_jump(code, BPF_JGE, ranges[half].first, upper,
	         half == 1 ? answer_label(abi, code, ranges) : ASM_NEXT);
	if (half > 1)
		emit_tree(abi, code, ranges, half);
	if (len - half > 1) {
		asm_set_label(code, upper);
		emit_tree(abi, code, ranges + half, len - half);
	}
}

static void load_arg(struct asm_code *code, unsigned int arg)
{
	asm_load(code, offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t) + LOW_WORD);
}

static void emit_check(struct abi *abi, struct asm_code *code, const struct seccomp_check *check)
{
	int refuse = return_label(abi, code, action_of(check->error));
	int pass = asm_new_label(code);
	int hit = check->cond == COND_NOT_IN ? pass : refuse;
	int miss = check->cond == COND_NOT_IN ? refuse : pass;
	unsigned int i;

	if (check->guard_arg != CHECK_UNGUARDED) {
		load_arg(code, (unsigned int)check->guard_arg);
		asm_jump(code, BPF_JEQ, check->guard, ASM_NEXT, pass);
	}
	load_arg(code, check->arg);
	for (i = 0; i < check->count; i++)
		asm_jump(code, check->cond == COND_BITS ? BPF_JSET : BPF_JEQ, check->values[i], hit,
		         i + 1 == check->count ? miss : ASM_NEXT);
	asm_set_label(code, pass);
}

static void emit_checks(struct abi *abi, struct asm_code *code,
                        const struct seccomp_profile *profile, const struct answer *answer)
{
	const struct seccomp_check *const *check;

	asm_set_label(code, answer->checks);
	for (check = profile->checks; *check; check++)
		if (check_holds(abi, *check) &&
		    seccomp_call_number(abi->token, (*check)->call) == (int)answer->first)
			emit_check(abi, code, *check);
	asm_goto(code, return_label(abi, code, answer->action));
}

static void emit_returns(const struct abi *abi, struct asm_code *code)
{
	size_t i;

	for (i = 0; i < abi->return_count; i++) {
		asm_set_label(code, abi->returns[i].label);
		asm_return(code, abi->returns[i].action);
	}
}

/* Everything about one ABI; the accumulator holds the ABI before it and, for another one, after. */
static int emit_abi(struct abi *abi, struct asm_code *code, const struct seccomp_profile *profile,
                    const char **ret_subject)
{
	cleanup_free struct answer *ranges = NULL;
	int other = asm_new_label(code), mine = asm_new_label(code);
	size_t i, len = 0;
	int r;

	r = collect_calls(abi, profile, ret_subject);
	if (r == 0)
		r = collect_checks(abi, profile, code, ret_subject);
	if (r == 0)
		r = make_ranges(abi, action_of(profile->fallback), &ranges, &len);
	if (r < 0)
		return r;
	asm_jump(code, BPF_JEQ, abi->token, mine, ASM_NEXT);
	asm_goto(code, other);
	asm_set_label(code, mine);
	asm_load(code, offsetof(struct seccomp_data, nr));
	emit_tree(abi, code, ranges, len);
	for (i = 0; i < abi->len; i++)
		if (abi->answers[i].checks != ASM_NEXT)
			emit_checks(abi, code, profile, &abi->answers[i]);
	emit_returns(abi, code);
	asm_set_label(code, other);
	return 0;
}

int seccomp_compile(const struct seccomp_profile *profile, struct sock_filter **ret_prog,
                    size_t *ret_len, const char **ret_subject)
{
	cleanup_free struct asm_code *code = calloc(1, sizeof(*code));
	cleanup_free struct abi *native = calloc(1, sizeof(*native));
	cleanup_free struct abi *compat = calloc(1, sizeof(*compat));
	int r;

	*ret_subject = "memory";
	if (!code || !native || !compat)
		return -ENOMEM;
	native->token = seccomp_arch_native();
	compat->token = profile->compat ? compat_token(native->token) : 0;
	asm_load(code, offsetof(struct seccomp_data, arch));
	r = emit_abi(native, code, profile, ret_subject);
	if (r == 0 && compat->token)
		r = emit_abi(compat, code, profile, ret_subject);
	if (r < 0)
		return r;
	asm_return(code, action_of(ENOSYS));
	*ret_subject = "length of the program";
	return asm_finish(code, ret_prog, ret_len);
}
