/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles in Docker's JSON: what is refused and where, and what the filters answer. */
#include <errno.h>
#include <glib.h>
#include <seccomp.h>
#include <string.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "oci/build.h"
#include "oci/profile.h"
#include "oci/target.h"
#include "seccomp/number.h"
#include "simulate.h"

#define RULE(text)   "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[" text "]}"
#define ERRNO_A      "\"names\":[\"a\"],\"action\":\"SCMP_ACT_ERRNO\""
#define ARG(text)    RULE("{" ERRNO_A ",\"args\":[" text "]}")
#define DENY(name)   "{\"names\":[\"" name "\"],\"action\":\"SCMP_ACT_ERRNO\"}"
#define ALLOW(names) "{\"names\":[" names "],\"action\":\"SCMP_ACT_ALLOW\"}"
#define LIST(rules)  "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" rules "]}"

enum { EPERM_ACTION = SECCOMP_RET_ERRNO | EPERM, ENOSYS_ACTION = SECCOMP_RET_ERRNO | ENOSYS };

static const struct {
	const char *text;
	const char *message;
} refused[] = {
	{ "", "line 1, column 1: unexpected end of data" },
	{ "{", "line 1, column 2: unexpected end of data" },
	{ "{\n \"a\":1,}", "line 2, column 8: unexpected character" },
	{ "{} x", "line 1, column 4: unexpected character" },
	{ "null", "line 1, column 5: an object is wanted, not null" },
	{ "[]", "profile: an object is wanted, not '[ ]'" },
	{ "{}", "defaultAction: a string is wanted, not 'null'" },
	{ "{\"defaultAction\":5}", "defaultAction: a string is wanted, not '5'" },
	{ "{\"defaultAction\":18446744073709551616}", "line 1, column 18: number too large" },
	{ "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
	  "defaultAction: SCMP_ACT_NOTIFY needs a supervisor, which a sandbox has not" },
	{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}",
	  "defaultErrnoRet: 4096 is too large, the most is 4095" },
	{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"EFOO\"}",
	  "defaultErrno: 'EFOO' is no errno (such as EPERM)" },
	{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"EPERM\",\"defaultErrnoRet\":38}",
	  "defaultErrno: EPERM is not the 38 of the other member" },
	{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],"
	  "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86\"}]}",
	  "archMap: both 'architectures' and 'archMap'" },
	{ RULE("7"), "syscalls[0]: an object is wanted, not '7'" },
	{ RULE("{}"), "syscalls[0]: 'names' is missing or empty" },
	{ RULE("{\"name\":\"a\",\"names\":[\"b\"]}"), "syscalls[0]: both 'name' and 'names'" },
	{ RULE("{\"names\":[\"a\",7]}"), "syscalls[0].names[1]: a string is wanted, not '7'" },
	{ RULE("{\"names\":[\"a\\u0000b\"]}"), "syscalls[0].names[0]: the string holds a NUL" },
	{ RULE("{\"names\":\"a\"}"), "syscalls[0].names: an array is wanted, not '\"a\"'" },
	{ RULE(DENY("a") ",{" ERRNO_A ",\"wrong\":{}}"),
	  "syscalls[1]: unknown member 'wrong' (known: names, name, action, errnoRet, errno, "
	  "args, includes, excludes, comment)" },
	{ RULE("{" ERRNO_A ",\"includes\":{\"cap\":[]}}"),
	  "syscalls[0].includes: unknown member 'cap' (known: caps, arches, minKernel)" },
	{ RULE("{" ERRNO_A ",\"excludes\":{\"minKernel\":\"4\"}}"),
	  "syscalls[0].excludes.minKernel: '4' is no kernel version (such as 4.8)" },
	{ RULE("{" ERRNO_A ",\"excludes\":{\"minKernel\":\"4.x\"}}"),
	  "syscalls[0].excludes.minKernel: '4.x' is no kernel version (such as 4.8)" },
	{ ARG("{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}"),
	  "syscalls[0].args[0].index: 6 is too large, the most is 5" },
	{ ARG("{\"index\":0,\"value\":-1,\"op\":\"SCMP_CMP_EQ\"}"),
	  "syscalls[0].args[0].value: a whole number from 0 to 18446744073709551615 is wanted, "
	  "not '-1'" },
	{ ARG("{\"index\":0,\"value\":1.5,\"op\":\"SCMP_CMP_EQ\"}"),
	  "syscalls[0].args[0].value: a whole number from 0 to 18446744073709551615 is wanted, "
	  "not '1.5'" },
	{ ARG("{\"index\":0,\"value\":1,\"op\":\"EQ\"}"),
	  "syscalls[0].args[0].op: 'EQ' is none of SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, "
	  "SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ" },
	{ ARG("{},{},{},{},{},{},{}"), "syscalls[0].args: 7 conditions, the most is 6" },
};

static void test_refused(void)
{
	char line[ERR_LINE_MAX];
	struct oci_profile profile;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		g_test_message("%s", refused[i].text);
		g_assert_cmpint(
			oci_profile_parse(refused[i].text, strlen(refused[i].text), &profile, &err),
			<, 0);
		err_format(&err, PERSONALITY_NATIVE, line, sizeof(line));
		g_assert_cmpstr(line, ==, refused[i].message);
	}
}

/* Deep nesting, a NUL byte, too much. */
static void test_refused_bytes(void)
{
	g_autofree char *deep = g_strnfill(1000, '[');
	g_autofree char *huge = g_strnfill(OCI_TEXT_MAX + 1, ' ');
	struct oci_profile profile;
	struct err err;

	g_assert_cmpint(oci_profile_parse(deep, 1000, &profile, &err), <, 0);
	g_assert_cmpint(oci_profile_parse(huge, OCI_TEXT_MAX + 1, &profile, &err), <, 0);
	g_assert_cmpint(oci_profile_parse("{}\0{}", 5, &profile, &err), <, 0);
	g_assert_cmpint(oci_profile_parse("{\"\xff\":1}", 7, &profile, &err), <, 0);
}

struct built {
	struct oci_program program;
	unsigned int notes, loud;
};

static void count_note(void *ctx, bool loud, const char *text)
{
	struct built *built = ctx;

	g_test_message("note: %s", text);
	built->notes++;
	built->loud += loud;
}

static struct built build(const char *text, const struct oci_target *target)
{
	struct built built = { 0 };
	const struct oci_notes notes = { count_note, &built };
	struct oci_profile profile;
	struct err err;
	int r;

	r = oci_profile_parse(text, strlen(text), &profile, &err);
	if (r < 0)
		g_error("%s: %s", text, err.subject);
	r = oci_build(&profile, target, &notes, &built.program, &err);
	if (r < 0)
		g_error("%s: %s", text, err.subject);
	oci_profile_free(&profile);
	return built;
}

static struct oci_target here(void)
{
	return (struct oci_target){ .arch = seccomp_arch_native(),
		                    .kernel_major = 6,
		                    .kernel_minor = 1 };
}

static uint32_t ask(const struct built *built, const char *call, uint64_t arg)
{
	struct seccomp_data data = {
		.nr = seccomp_call_number(seccomp_arch_native(), call),
		.arch = seccomp_arch_native(),
		.args = { arg },
	};

	g_assert_cmpint(data.nr, >=, 0);
	return simulate(built->program.insn, built->program.len, &data);
}

static uint32_t answer(const char *text, const struct oci_target *target, const char *call,
                       uint64_t arg)
{
	struct built built = build(text, target);
	uint32_t ret = ask(&built, call, arg);

	g_free(built.program.insn);
	return ret;
}

static void test_actions(void)
{
	static const struct {
		const char *action;
		uint32_t expected;
	} cases[] = {
		{ "\"SCMP_ACT_ERRNO\"", EPERM_ACTION },
		{ "\"SCMP_ACT_ERRNO\",\"errnoRet\":38", ENOSYS_ACTION },
		{ "\"SCMP_ACT_ERRNO\",\"errno\":\"ENOSYS\"", ENOSYS_ACTION },
		{ "\"SCMP_ACT_ERRNO\",\"errno\":\"\",\"errnoRet\":38", ENOSYS_ACTION },
		{ "\"SCMP_ACT_TRACE\",\"errnoRet\":7", SECCOMP_RET_TRACE | 7 },
		{ "\"SCMP_ACT_TRAP\"", SECCOMP_RET_TRAP },
		{ "\"SCMP_ACT_LOG\"", SECCOMP_RET_LOG },
		{ "\"SCMP_ACT_KILL\"", SECCOMP_RET_KILL_THREAD },
		{ "\"SCMP_ACT_KILL_THREAD\"", SECCOMP_RET_KILL_THREAD },
		{ "\"SCMP_ACT_KILL_PROCESS\"", SECCOMP_RET_KILL_PROCESS },
		{ "\"SCMP_ACT_ALLOW\"", SECCOMP_RET_ALLOW },
	};
	struct oci_target target = here(), logging = here();

	logging.log = true;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		g_autofree char *text =
			g_strdup_printf(RULE("{\"name\":\"sync\",\"action\":%s}"), cases[i].action);

		g_test_message("%s", text);
		g_assert_cmphex(answer(text, &target, "sync", 0), ==, cases[i].expected);
		g_assert_cmphex(answer(text, &target, "read", 0), ==, SECCOMP_RET_ALLOW);
		g_assert_cmphex(answer(text, &logging, "sync", 0), ==,
		                cases[i].expected == SECCOMP_RET_ALLOW ? SECCOMP_RET_ALLOW
		                                                       : SECCOMP_RET_LOG);
	}
}

static void test_conditions(void)
{
	static const struct {
		const char *args;
		uint64_t hit, miss;
	} cases[] = {
		{ "{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_EQ\"}", 5, 6 },
		{ "{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_NE\"}", 6, 5 },
		{ "{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_LT\"}", 4, 5 },
		{ "{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_LE\"}", 5, 6 },
		{ "{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_GE\"}", 5, 4 },
		{ "{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_GT\"}", UINT64_C(1) << 32, 5 },
		{ "{\"index\":0,\"value\":240,\"valueTwo\":16,\"op\":\"SCMP_CMP_MASKED_EQ\"}", 0x1f,
		  0x2f },
		{ "{\"index\":0,\"value\":18446744073709551615,\"op\":\"SCMP_CMP_EQ\"}", UINT64_MAX,
		  INT64_MAX },
		/* on one argument: alternatives */
		{ "{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"},"
		  "{\"index\":0,\"value\":3,\"op\":\"SCMP_CMP_EQ\"}",
		  3, 2 },
		/* on several: all of them; the second argument is 0 here */
		{ "{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"},"
		  "{\"index\":1,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}",
		  1, 2 },
	};
	struct oci_target target = here();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		g_autofree char *text = g_strdup_printf(
			RULE("{\"name\":\"ioctl\",\"action\":\"SCMP_ACT_ERRNO\",\"args\":[%s]}"),
			cases[i].args);

		g_test_message("%s", text);
		g_assert_cmphex(answer(text, &target, "ioctl", cases[i].hit), ==, EPERM_ACTION);
		g_assert_cmphex(answer(text, &target, "ioctl", cases[i].miss), ==,
		                SECCOMP_RET_ALLOW);
	}
}

static void test_includes_and_excludes(void)
{
	static const struct {
		const char *filter;
		int holds;
	} cases[] = {
		{ "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}", 1 },
		{ "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_BPF\"]}", 0 },
		{ "\"includes\":{\"caps\":[\"CAP_OF_TOMORROW\"]}", 0 },
		{ "\"includes\":{\"minKernel\":\"6.1\"}", 1 },
		{ "\"includes\":{\"minKernel\":\"6.2\"}", 0 },
		{ "\"includes\":{\"minKernel\":\"5.99\"}", 1 },
		{ "\"includes\":{\"arches\":[\"vax\"]}", 0 },
		{ "\"includes\":{}", 1 },
		{ "\"excludes\":{\"caps\":[\"CAP_BPF\",\"CAP_SYS_ADMIN\"]}", 0 },
		{ "\"excludes\":{\"caps\":[\"CAP_BPF\"]}", 1 },
		{ "\"excludes\":{\"minKernel\":\"6.1\"}", 0 },
		{ "\"excludes\":{\"minKernel\":\"7.0\"}", 1 },
		{ "\"excludes\":{\"arches\":[\"vax\"]}", 1 },
#ifdef __x86_64__
		{ "\"includes\":{\"arches\":[\"amd64\",\"x32\"]}", 1 },
		{ "\"includes\":{\"arches\":[\"x86_64\"]}", 1 },
		{ "\"includes\":{\"arches\":[\"arm64\",\"x86\"]}", 0 },
		{ "\"excludes\":{\"arches\":[\"amd64\"]}", 0 },
#endif
	};
	struct oci_target target = here();

	target.caps = UINT64_C(1) << 21; /* CAP_SYS_ADMIN */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		g_autofree char *text = g_strdup_printf(
			RULE("{\"name\":\"sync\",\"action\":\"SCMP_ACT_ERRNO\",%s}"),
			cases[i].filter);

		g_test_message("%s", text);
		g_assert_cmphex(answer(text, &target, "sync", 0), ==,
		                cases[i].holds ? (uint32_t)EPERM_ACTION : SECCOMP_RET_ALLOW);
	}
}

/* In an allow-list, what came after the profile does not exist; what it leaves out is refused. */
static void test_newer_calls(void)
{
	struct oci_target target = here();
	const char *text = LIST(ALLOW("\"read\",\"faccessat2\""));
	const char *young = LIST(ALLOW("\"read\",\"fchmodat2\""));

	g_assert_cmphex(answer(text, &target, "faccessat2", 0), ==, SECCOMP_RET_ALLOW);
	g_assert_cmphex(answer(text, &target, "openat2", 0), ==, EPERM_ACTION);
	g_assert_cmphex(answer(text, &target, "mseal", 0), ==, ENOSYS_ACTION);
	g_assert_cmphex(answer(text, &target, "sync", 0), ==, EPERM_ACTION);
	g_assert_cmphex(answer(young, &target, "fchmodat2", 0), ==, SECCOMP_RET_ALLOW);
	g_assert_cmphex(answer(young, &target, "cachestat", 0), ==, EPERM_ACTION);
	g_assert_cmphex(answer(RULE(DENY("fchmodat2")), &target, "fchmodat2", 0), ==, EPERM_ACTION);
	g_assert_cmphex(answer(RULE(DENY("fchmodat2")), &target, "mseal", 0), ==,
	                SECCOMP_RET_ALLOW);
	g_assert_cmphex(
		answer("{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\"}", &target, "mseal", 0), ==,
		SECCOMP_RET_KILL_PROCESS);
}

static void test_notes(void)
{
	struct oci_target target = here();
	struct built built;

	built = build(RULE(DENY("not_a_call")), &target);
	g_assert_cmpuint(built.loud, ==, 1);
	g_free(built.program.insn);
	built = build(LIST(ALLOW("\"not_a_call\"")), &target);
	g_assert_cmpuint(built.notes, ==, 1);
	g_assert_cmpuint(built.loud, ==, 0);
	g_free(built.program.insn);
	built = build(LIST(ALLOW("\"read\",\"fchmodat2\",\"arm_fadvise64_64\"")), &target);
	g_assert_cmpuint(built.notes, ==, 0);
	g_free(built.program.insn);
}

static void test_abis(void)
{
#ifdef __x86_64__
	struct oci_target target = here();
	const char *map = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"archMap\":["
			  "{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":"
			  "[\"SCMP_ARCH_ARM\"]},{\"architecture\":\"SCMP_ARCH_X86_64\","
			  "\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],"
			  "\"syscalls\":[" ALLOW("\"read\",\"fchmodat2\"") "]}";
	struct seccomp_data i386 = { .nr = 3, .arch = SCMP_ARCH_X86 };
	struct seccomp_data x32 = { .nr = 0x40000000, .arch = SCMP_ARCH_X86_64 };
	struct seccomp_data arm = { .nr = 3, .arch = SCMP_ARCH_ARM };
	struct built with = build(map, &target);
	struct built without = build(LIST(ALLOW("\"read\"")), &target);

	g_assert_cmphex(simulate(with.program.insn, with.program.len, &i386), ==,
	                SECCOMP_RET_ALLOW);
	g_assert_cmphex(simulate(with.program.insn, with.program.len, &arm), ==,
	                SECCOMP_RET_KILL_PROCESS);
	g_assert_cmphex(simulate(with.program.insn, with.program.len, &x32), ==,
	                SECCOMP_RET_KILL_PROCESS);
	g_assert_cmphex(simulate(without.program.insn, without.program.len, &i386), ==,
	                SECCOMP_RET_KILL_PROCESS);
	i386.nr = 452;
	g_assert_cmphex(simulate(with.program.insn, with.program.len, &i386), ==,
	                SECCOMP_RET_ALLOW);
	i386.nr = 20;
	g_assert_cmphex(simulate(with.program.insn, with.program.len, &i386), ==, EPERM_ACTION);
	i386.nr = 462;
	g_assert_cmphex(simulate(with.program.insn, with.program.len, &i386), ==, ENOSYS_ACTION);
	x32.nr = 0x40000000 + 452;
	g_assert_cmphex(simulate(with.program.insn, with.program.len, &x32), ==,
	                SECCOMP_RET_KILL_PROCESS);
	g_free(with.program.insn);
	g_free(without.program.insn);
#else
	g_test_skip("the expectations are those of x86_64");
#endif
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oci/refused", test_refused);
	g_test_add_func("/oci/refused-bytes", test_refused_bytes);
	g_test_add_func("/oci/actions", test_actions);
	g_test_add_func("/oci/conditions", test_conditions);
	g_test_add_func("/oci/includes-and-excludes", test_includes_and_excludes);
	g_test_add_func("/oci/newer-calls", test_newer_calls);
	g_test_add_func("/oci/notes", test_notes);
	g_test_add_func("/oci/abis", test_abis);
	return g_test_run();
}
