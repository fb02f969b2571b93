/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

static void die(size_t at, const char *why)
{
	fprintf(stderr, "simulate: instruction %zu: %s\n", at, why);
	abort();
}

static uint32_t load(const struct seccomp_data *data, uint32_t offset, size_t at)
{
	uint32_t word;

	if (offset % sizeof(word) || offset > sizeof(*data) - sizeof(word))
		die(at, "load outside of the data");
	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static int holds(uint16_t code, uint32_t a, uint32_t k, size_t at)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGE:
		return a >= k;
	case BPF_JGT:
		return a > k;
	case BPF_JSET:
		return (a & k) != 0;
	default:
		die(at, "unknown comparison");
		return 0;
	}
}

uint32_t simulate(const struct sock_filter *prog, size_t len, const struct seccomp_data *data)
{
	uint32_t a = 0;
	size_t at;

	for (at = 0; at < len; at++) {
		const struct sock_filter *insn = &prog[at];

		if (insn->code == (BPF_RET | BPF_K))
			return insn->k;
		if (insn->code == (BPF_LD | BPF_W | BPF_ABS))
			a = load(data, insn->k, at);
		else if (insn->code == (BPF_ALU | BPF_AND | BPF_K))
			a &= insn->k;
		else if (insn->code == (BPF_JMP | BPF_JA))
			at += insn->k;
		else if (BPF_CLASS(insn->code) == BPF_JMP && BPF_SRC(insn->code) == BPF_K)
			at += holds(insn->code, a, insn->k, at) ? insn->jt : insn->jf;
		else
			die(at, "unknown instruction");
	}
	die(at, "end of the program without an answer");
	return 0;
}
