/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seccomp/assemble.h"

#include <errno.h>

#include "core/cleanup.h"

int asm_new_label(struct asm_code *code)
{
	int label = code->labels++;

	if (label < ASM_LABELS)
		code->label[label] = 0;
	return label;
}

/* No jump goes to the first instruction, so that 0 means not set. */
void asm_set_label(struct asm_code *code, int label)
{
	if (label < ASM_LABELS)
		code->label[label] = code->len;
}

static void emit(struct asm_code *code, unsigned int op, uint32_t k, int jump_true, int jump_false)
{
	if (code->len < ASM_MAX)
		code->insn[code->len] = (struct asm_insn){
			.filter = { .code = (uint16_t)op, .k = k },
			.jump_true = jump_true,
			.jump_false = jump_false,
		};
	code->len++;
}

void asm_load(struct asm_code *code, size_t offset)
{
	emit(code, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, ASM_NEXT, ASM_NEXT);
}

void asm_jump(struct asm_code *code, unsigned int condition, uint32_t value, int jump_true,
              int jump_false)
{
	emit(code, BPF_JMP | BPF_K | condition, value, jump_true, jump_false);
}

void asm_goto(struct asm_code *code, int label)
{
	emit(code, BPF_JMP | BPF_JA, 0, label, ASM_NEXT);
}

void asm_return(struct asm_code *code, uint32_t action)
{
	emit(code, BPF_RET | BPF_K, action, ASM_NEXT, ASM_NEXT);
}

static int distance(const struct asm_code *code, size_t from, int label, size_t *ret)
{
	*ret = 0;
	if (label == ASM_NEXT)
		return 0;
	if (code->label[label] <= from)
		return -EINVAL;
	*ret = code->label[label] - from - 1;
	return 0;
}

static int resolve(const struct asm_code *code, size_t at, struct sock_filter *ret)
{
	const struct asm_insn *insn = &code->insn[at];
	size_t jump_true, jump_false;
	int r;

	*ret = insn->filter;
	r = distance(code, at, insn->jump_true, &jump_true);
	if (r == 0)
		r = distance(code, at, insn->jump_false, &jump_false);
	if (r < 0)
		return r;
	if (ret->code == (BPF_JMP | BPF_JA)) {
		ret->k = (uint32_t)jump_true;
		return 0;
	}
	if (jump_true > UINT8_MAX || jump_false > UINT8_MAX)
		return -E2BIG;
	ret->jt = (uint8_t)jump_true;
	ret->jf = (uint8_t)jump_false;
	return 0;
}

int asm_finish(const struct asm_code *code, struct sock_filter **ret_prog, size_t *ret_len)
{
	cleanup_free struct sock_filter *prog = NULL;
	size_t i;
	int r;

	if (code->len > ASM_MAX || code->labels > ASM_LABELS)
		return -E2BIG;
	prog = calloc(code->len + 1, sizeof(*prog));
	if (!prog)
		return -ENOMEM;
	for (i = 0; i < code->len; i++) {
		r = resolve(code, i, &prog[i]);
		if (r < 0)
			return r;
	}
	*ret_len = code->len;
	*ret_prog = steal_ptr(&prog);
	return 0;
}
