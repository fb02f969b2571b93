/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oci/build.h"

#include <errno.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "oci/profile.h"
#include "oci/target.h"
#include "oci/words.h"
#include "seccomp/assemble.h"
#include "seccomp/number.h"

enum { ABIS_MAX = 32, X32_BIT = 0x40000000, WHY_MAX = 128 };

struct build {
	const struct oci_profile *profile;
	const struct oci_target *target;
	const struct oci_notes *notes;
	uint32_t abis[ABIS_MAX];
	size_t abi_len;
	uint32_t action; /* the default */
	scmp_filter_ctx ctx;
};

__attribute__((format(printf, 3, 4))) static void note(const struct build *build, bool loud,
                                                       const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	build->notes->note(build->notes->ctx, loud, text);
}

static bool lets_through(uint32_t action)
{
	return action == SCMP_ACT_ALLOW || action == SCMP_ACT_LOG;
}

static bool is_young(const char *name)
{
	return seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR;
}

static bool rule_is_used(const struct build *build, const struct oci_rule *rule)
{
	char why[WHY_MAX];

	return oci_rule_applies(rule, build->target, why, sizeof(why)) &&
	       oci_target_action(build->target, rule->action) != build->action;
}

static int add_conditions(const struct build *build, const struct oci_rule *rule, int nr)
{
	uint32_t action = oci_target_action(build->target, rule->action);
	struct scmp_arg_cmp cmp[OCI_ARGS_MAX] = { 0 };
	unsigned int seen = 0;
	bool repeats = false;
	size_t i;
	int r = 0;

	for (i = 0; i < rule->arg_count; i++) {
		const struct oci_arg *arg = &rule->args[i];

		cmp[i] = (struct scmp_arg_cmp){ arg->index, (enum scmp_compare)arg->op, arg->value,
			                        arg->value_two };
		repeats |= seen >> arg->index & 1;
		seen |= 1u << arg->index;
	}
	if (!repeats)
		return seccomp_rule_add_array(build->ctx, action, nr, (unsigned int)rule->arg_count,
		                              cmp);
	for (i = 0; i < rule->arg_count && (r == 0 || r == -EEXIST); i++)
		r = seccomp_rule_add_array(build->ctx, action, nr, 1, &cmp[i]);
	return r;
}

static int add_rule(const struct build *build, const struct oci_rule *rule, struct err *err)
{
	size_t i;
	int nr, r;

	for (i = 0; i < rule->names.len; i++) {
		nr = seccomp_syscall_resolve_name(rule->names.list[i]);
		if (nr == __NR_SCMP_ERROR)
			continue;
		r = add_conditions(build, rule, nr);
		/* -EDOM: no ABI of the filter has it; -EEXIST: said before */
		if (r < 0 && r != -EDOM && r != -EEXIST)
			return err_text(err, -r, "syscalls[%zu]: make a rule for '%.64s'",
			                (size_t)(rule - build->profile->rules),
			                rule->names.list[i]);
	}
	return 0;
}

static int add_abis(struct build *build, struct err *err)
{
	size_t i, len = build->abi_len;
	int r;

	build->abi_len = 1;
	for (i = 1; i < len; i++) {
		r = seccomp_arch_add(build->ctx, build->abis[i]);
		/* one that this machine cannot run; what says it is of that ABI is refused */
		if (r == -EDOM || r == -EINVAL) {
			note(build, false, "%s cannot stand beside this machine's own, left out",
			     oci_word_name(oci_architectures, build->abis[i]));
			continue;
		}
		if (r < 0 && r != -EEXIST)
			return err_text(err, -r, "add %s",
			                oci_word_name(oci_architectures, build->abis[i]));
		build->abis[build->abi_len++] = build->abis[i];
	}
	return 0;
}

static int fill_filter(struct build *build, struct err *err)
{
	size_t i;
	int r;

	r = seccomp_attr_set(build->ctx, SCMP_FLTATR_ACT_BADARCH,
	                     oci_target_action(build->target, SCMP_ACT_KILL_PROCESS));
	if (r == 0)
		r = seccomp_attr_set(build->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r < 0)
		return err_text(err, -r, "set an attribute of the filter");
	r = add_abis(build, err);
	for (i = 0; i < build->profile->rule_len && r == 0; i++)
		if (rule_is_used(build, &build->profile->rules[i]))
			r = add_rule(build, &build->profile->rules[i], err);
	return r;
}

/* One call that libseccomp does not know, in the part that comes before libseccomp's. */
static void emit_young(const struct build *build, struct asm_code *code,
                       const struct oci_rule *rule, const char *name)
{
	uint32_t action = oci_target_action(build->target, rule->action);
	int nr = seccomp_call_number(build->target->arch, name);
	int skip;

	/* conditions would have to be made by hand: the stricter reading of both is taken */
	if (nr < 0 || (rule->arg_count && lets_through(action)))
		return;
	skip = asm_new_label(code);
	asm_jump(code, BPF_JEQ, (uint32_t)nr, ASM_NEXT, skip);
	asm_return(code, action);
	asm_set_label(code, skip);
}

static void emit_young_calls(const struct build *build, struct asm_code *code)
{
	const struct oci_rule *rule;
	size_t i, j;

	for (i = 0; i < build->profile->rule_len; i++) {
		rule = &build->profile->rules[i];
		for (j = 0; j < rule->names.len && rule_is_used(build, rule); j++)
			if (is_young(rule->names.list[j]))
				emit_young(build, code, rule, rule->names.list[j]);
	}
}

static uint32_t highest_number(const struct oci_profile *profile, uint32_t abi)
{
	int nr, highest = 0;
	size_t i, j;

	for (i = 0; i < profile->rule_len; i++)
		for (j = 0; j < profile->rules[i].names.len; j++) {
			nr = seccomp_call_number(abi, profile->rules[i].names.list[j]);
			highest = nr > highest ? nr : highest;
		}
	return (uint32_t)highest;
}

static bool refuses_by_errno(uint32_t action)
{
	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO &&
	       (action & SECCOMP_RET_DATA) != ENOSYS;
}

static void emit_abi(const struct build *build, struct asm_code *code, uint32_t abi, int body)
{
	int other = asm_new_label(code), skip = asm_new_label(code);
	uint32_t highest;

	asm_load(code, offsetof(struct seccomp_data, arch));
	asm_jump(code, BPF_JEQ, abi, ASM_NEXT, other);
	asm_load(code, offsetof(struct seccomp_data, nr));
	if (abi == SCMP_ARCH_X86_64)
		asm_jump(code, BPF_JGE, X32_BIT, body, ASM_NEXT);
	emit_young_calls(build, code);
	if (refuses_by_errno(build->action)) {
		highest = highest_number(build->profile, abi);
		asm_jump(code, BPF_JGE, highest + 1, ASM_NEXT, skip);
		asm_return(code, SECCOMP_RET_ERRNO | ENOSYS);
		asm_set_label(code, skip);
	}
	asm_goto(code, body);
	asm_set_label(code, other);
}

static void emit_head(const struct build *build, struct asm_code *code)
{
	int body = asm_new_label(code);
	size_t i;

	for (i = 0; i < build->abi_len; i++)
		if (build->abis[i] != SCMP_ARCH_X32)
			emit_abi(build, code, build->abis[i], body);
	asm_set_label(code, body);
}

/* The part made here and libseccomp's, which lies in fd. */
static int join(const struct asm_code *code, int fd, struct oci_program *ret)
{
	cleanup_free struct sock_filter *head = NULL;
	cleanup_free struct sock_filter *all = NULL;
	size_t len = 0, size;
	struct stat st;
	int r;

	r = asm_finish(code, &head, &len);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	size = (size_t)st.st_size;
	all = malloc(len * sizeof(*all) + size);
	if (!all)
		return -ENOMEM;
	memcpy(all, head, len * sizeof(*all));
	if (pread(fd, all + len, size, 0) != st.st_size)
		return -EIO;
	len += size / sizeof(*all);
	if (len > BPF_MAXINSNS)
		return -E2BIG;
	*ret = (struct oci_program){ steal_ptr(&all), len };
	return 0;
}

static int export(const struct build *build, struct oci_program *ret, struct err *err)
{
	cleanup_free struct asm_code *code = calloc(1, sizeof(*code));
	cleanup_fd int fd = memfd_create("bpf", MFD_CLOEXEC);
	int r;

	if (!code || fd < 0)
		return err_text(err, errno, "make room for the filter");
	emit_head(build, code);
	r = seccomp_export_bpf(build->ctx, fd);
	if (r == 0)
		r = join(code, fd, ret);
	return r < 0 ? err_text(err, -r, "make the filter") : 0;
}

static void note_unknown(const struct build *build, const struct oci_rule *rule, const char *name)
{
	bool loud = !lets_through(rule->action) && lets_through(build->profile->action);

	if (is_young(name) && seccomp_call_number(build->target->arch, name) < 0)
		note(build, loud, "syscalls[%zu]: unknown call '%.64s' is left out%s",
		     (size_t)(rule - build->profile->rules), name,
		     loud ? ", so that it is not refused" : "");
	else if (is_young(name) && rule->arg_count)
		note(build, false, "syscalls[%zu]: call '%.64s' is refused without its conditions",
		     (size_t)(rule - build->profile->rules), name);
}

static void note_all(const struct build *build)
{
	const struct oci_rule *rule;
	char why[WHY_MAX];
	size_t i, j;

	for (i = 0; i < build->profile->rule_len; i++) {
		rule = &build->profile->rules[i];
		if (!oci_rule_applies(rule, build->target, why, sizeof(why)))
			continue;
		for (j = 0; j < rule->names.len; j++)
			note_unknown(build, rule, rule->names.list[j]);
	}
	if (build->profile->flags & SECCOMP_FILTER_FLAG_LOG)
		note(build, false, "SECCOMP_FILTER_FLAG_LOG has no effect here, see --seccomp-log");
}

int oci_build(const struct oci_profile *profile, const struct oci_target *target,
              const struct oci_notes *notes, struct oci_program *ret, struct err *err)
{
	enum { API_LINUX_4_14 = 3 };
	struct build build = { .profile = profile, .target = target, .notes = notes };
	int r;

	build.action = oci_target_action(target, profile->action);
	build.abi_len = oci_target_abis(profile, target, build.abis, ABIS_MAX);
	/* a filter is made of its profile alone, not of what libseccomp finds out by calls that a
	 * sandbox or valgrind may refuse us; kernels kill for an action that they do not know */
	r = seccomp_api_set(API_LINUX_4_14);
	build.ctx = r == 0 ? seccomp_init(build.action) : NULL;
	if (!build.ctx)
		return err_text(err, 0, "libseccomp refuses the default action");
	note_all(&build);
	r = fill_filter(&build, err);
	if (r == 0)
		r = export(&build, ret, err);
	seccomp_release(build.ctx);
	return r;
}
