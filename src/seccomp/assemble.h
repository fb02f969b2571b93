/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Classic BPF with labels. Used at build time and by tests. Emitting never fails; what went wrong
 * (too long, a jump too far) is said by asm_finish().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>

enum { ASM_MAX = 2048, ASM_LABELS = 1024, ASM_NEXT = -1 };

struct asm_insn {
	struct sock_filter filter;
	int jump_true; /* a label, or ASM_NEXT */
	int jump_false;
};

struct asm_code {
	struct asm_insn insn[ASM_MAX];
	size_t len;
	size_t label[ASM_LABELS]; /* the instruction that it stands before */
	int labels;
};

/* A label for asm_jump(), set at most once by asm_set_label(), and after the jumps to it. */
int asm_new_label(struct asm_code *code);
void asm_set_label(struct asm_code *code, int label);

/* Loads the word at that offset of struct seccomp_data. */
void asm_load(struct asm_code *code, size_t offset);

/* Compares the loaded word with value: condition is BPF_JEQ, BPF_JGE or BPF_JSET. */
void asm_jump(struct asm_code *code, unsigned int condition, uint32_t value, int jump_true,
              int jump_false);

/* A jump without a condition, of any length. */
void asm_goto(struct asm_code *code, int label);

void asm_return(struct asm_code *code, uint32_t action);

/* Resolves the labels. Returns 0 and a program that the caller frees, -E2BIG when it is too long or
 * a conditional jump goes over more than 255 instructions, -EINVAL for a label that was never set.
 */
int asm_finish(const struct asm_code *code, struct sock_filter **ret_prog, size_t *ret_len);
