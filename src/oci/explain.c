/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oci/explain.h"

#include <inttypes.h>
#include <seccomp.h>
#include <string.h>

#include <linux/seccomp.h>

#include "oci/profile.h"
#include "oci/target.h"
#include "oci/words.h"

enum { ABIS_MAX = 32, WHY_MAX = 128 };

static void print_errno(unsigned int num, FILE *out)
{
	const char *name = strerrorname_np((int)num);

	if (name)
		fprintf(out, "deny (%s)", name);
	else
		fprintf(out, "deny (errno %u)", num);
}

static void print_action(uint32_t action, FILE *out)
{
	unsigned int data = action & SECCOMP_RET_DATA;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		fputs("allow", out);
		break;
	case SECCOMP_RET_LOG:
		fputs("log and allow", out);
		break;
	case SECCOMP_RET_ERRNO:
		print_errno(data, out);
		break;
	case SECCOMP_RET_TRACE:
		fprintf(out, "ask a tracer (%u)", data);
		break;
	case SECCOMP_RET_TRAP:
		fputs("send SIGSYS on", out);
		break;
	case SECCOMP_RET_KILL_THREAD:
		fputs("kill the thread on", out);
		break;
	default:
		fputs("kill the process on", out);
		break;
	}
}

static void print_arg(const struct oci_arg *arg, FILE *out)
{
	static const char *const ops[] = {
		[SCMP_CMP_NE] = "!=", [SCMP_CMP_LT] = "<",  [SCMP_CMP_LE] = "<=",
		[SCMP_CMP_EQ] = "==", [SCMP_CMP_GE] = ">=", [SCMP_CMP_GT] = ">"
	};

	if (arg->op == SCMP_CMP_MASKED_EQ)
		fprintf(out, "arg%u & 0x%" PRIx64 " == 0x%" PRIx64, arg->index, arg->value,
		        arg->value_two);
	else
		fprintf(out, "arg%u %s 0x%" PRIx64, arg->index, ops[arg->op], arg->value);
}

/* Several conditions on one argument are alternatives, as in build.c. */
static const char *joint(const struct oci_rule *rule)
{
	unsigned int seen = 0;
	size_t i;

	for (i = 0; i < rule->arg_count; i++) {
		if (seen >> rule->args[i].index & 1)
			return " or ";
		seen |= 1u << rule->args[i].index;
	}
	return " and ";
}

static void print_rule(const struct oci_rule *rule, const struct oci_target *target, FILE *out)
{
	char why[WHY_MAX];
	size_t i;

	if (!oci_rule_applies(rule, target, why, sizeof(why)))
		fprintf(out, "not in force %s: ", why);
	print_action(oci_target_action(target, rule->action), out);
	fputc(':', out);
	for (i = 0; i < rule->names.len; i++)
		fprintf(out, " %s", rule->names.list[i]);
	for (i = 0; i < rule->arg_count; i++) {
		fputs(i ? joint(rule) : " if ", out);
		print_arg(&rule->args[i], out);
	}
	fputc('\n', out);
}

void oci_explain(const struct oci_profile *profile, const struct oci_target *target, FILE *out)
{
	uint32_t abis[ABIS_MAX];
	size_t i, len = oci_target_abis(profile, target, abis, ABIS_MAX);

	fputs("ABIs:", out);
	for (i = 0; i < len; i++)
		fprintf(out, " %s", oci_word_name(oci_machines, abis[i]));
	fputc('\n', out);
	for (i = 0; i < profile->rule_len; i++)
		print_rule(&profile->rules[i], target, out);
	print_action(oci_target_action(target, profile->action), out);
	fputs(" every other call\n", out);
	print_action(oci_target_action(target, SCMP_ACT_KILL_PROCESS), out);
	fputs(" every call of another ABI\n", out);
}
