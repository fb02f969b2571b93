/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An error keeps step, subject and reason from where it happened to where it is printed, in both
 * sets of words. */
#include "core/cleanup.h"
#include "core/err.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

static void assert_reads(const struct err *err, enum personality personality, const char *expected)
{
	char line[ERR_LINE_MAX];

	err_format(err, personality, line, sizeof(line));
	g_assert_cmpstr(line, ==, expected);
}

static void test_step(void)
{
	struct err err;

	g_assert_cmpint(err_step(&err, STEP_BIND, ENOENT, "/a", "/b"), ==, -ENOENT);
	assert_reads(&err, PERSONALITY_NATIVE,
	             "bind mount '/a' on '/b': No such file or directory");
	assert_reads(&err, PERSONALITY_BWRAP,
	             "Can't bind mount /oldroot/a on /newroot/b: No such file or directory");
}

static void test_step_without_object(void)
{
	struct err err;

	g_assert_cmpint(err_step(&err, STEP_MKDIR, EROFS, "/a", NULL), ==, -EROFS);
	assert_reads(&err, PERSONALITY_NATIVE, "make directory '/a': Read-only file system");
	assert_reads(&err, PERSONALITY_BWRAP, "Can't mkdir /a: Read-only file system");
}

static void test_step_without_errno(void)
{
	struct err err;

	g_assert_cmpint(err_step(&err, STEP_SECCOMP_SIZE, 0, NULL, NULL), ==, -EINVAL);
	assert_reads(&err, PERSONALITY_NATIVE,
	             "read the seccomp filter: its size is no multiple of 8");
	assert_reads(&err, PERSONALITY_BWRAP, "Invalid seccomp data, must be multiple of 8");
}

static void test_text(void)
{
	struct err err;

	g_assert_cmpint(err_text(&err, 0, "Unknown option %s", "--frob"), ==, -EINVAL);
	assert_reads(&err, PERSONALITY_NATIVE, "Unknown option --frob");
	assert_reads(&err, PERSONALITY_BWRAP, "Unknown option --frob");
	g_assert_cmpint(err_text(&err, EPERM, "no"), ==, -EPERM);
	assert_reads(&err, PERSONALITY_NATIVE, "no: Operation not permitted");
}

/* One line stays one line whatever a file is called. */
static void test_control_bytes(void)
{
	struct err err;

	(void)err_step(&err, STEP_MKDIR, EACCES, "/a\nb\x1b[2J\x7f\xff", NULL);
	assert_reads(&err, PERSONALITY_NATIVE,
	             "make directory '/a\\x0ab\\x1b[2J\\x7f\xff': Permission denied");
}

/* A subject that looks like a format is a subject. */
static void test_percent(void)
{
	struct err err;

	(void)err_step(&err, STEP_BIND, EACCES, "/%s%n", "/%o");
	assert_reads(&err, PERSONALITY_NATIVE, "bind mount '/%s%n' on '/%o': Permission denied");
	assert_reads(&err, PERSONALITY_BWRAP,
	             "Can't bind mount /oldroot/%s%n on /newroot/%o: Permission denied");
}

static void test_long_subject(void)
{
	struct err err;
	char subject[2 * ERR_TEXT_MAX];
	char line[ERR_LINE_MAX];

	memset(subject, '\n', sizeof(subject));
	subject[sizeof(subject) - 1] = '\0';
	(void)err_step(&err, STEP_BIND, EACCES, subject, subject);
	g_assert_cmpuint(strlen(err.subject), ==, ERR_TEXT_MAX - 1);
	err_format(&err, PERSONALITY_NATIVE, line, sizeof(line));
	g_assert_true(g_str_has_suffix(line, ": Permission denied"));
	g_assert_null(strchr(line, '\n'));
	memset(subject, 'x', sizeof(subject) - 1);
	(void)err_step(&err, STEP_BIND, EACCES, subject, subject);
	err_format(&err, PERSONALITY_NATIVE, line, sizeof(line));
	g_assert_true(g_str_has_suffix(line, "xx': Permission denied"));
}

/* A buffer that is too small is filled and terminated, never overrun. */
static void test_small_buffer(void)
{
	struct err err;
	char line[] = "XXXXXXXX";

	(void)err_step(&err, STEP_MKDIR, EACCES, "/a", NULL);
	err_format(&err, PERSONALITY_NATIVE, line, 5);
	g_assert_cmpstr(line, ==, "make");
	g_assert_cmpmem(line + 5, 4, "XXX", 4);
}

/* Every step has words in both personalities, and nothing but %s and %o in bwrap's. */
static void test_all_steps(void)
{
	for (int step = STEP_TEXT + 1; step < STEP_COUNT; step++) {
		char native[ERR_LINE_MAX], compat[ERR_LINE_MAX];
		struct err err;

		g_test_message("step %d", step);
		(void)err_step(&err, (enum step)step, 0, "SUBJECT", "OBJECT");
		err_format(&err, PERSONALITY_NATIVE, native, sizeof(native));
		g_assert_nonnull(strchr(native, ' '));
		g_assert_null(strchr(native, '%'));
		err_format(&err, PERSONALITY_BWRAP, compat, sizeof(compat));
		g_assert_cmpstr(compat, !=, "");
		g_assert_null(strchr(compat, '%'));
	}
}

static void test_pack(void)
{
	static const struct {
		const char *subject;
		const char *object;
	} cases[] = { { "/a", "/b" }, { "/a", NULL }, { NULL, "/b" }, { NULL, NULL } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err, back;
		char buf[ERR_PACKED_MAX];
		size_t len;

		(void)err_step(&err, STEP_BIND, EBUSY, cases[i].subject, cases[i].object);
		len = err_pack(&err, buf);
		g_assert_cmpint(err_unpack(&back, buf, len), ==, 0);
		g_assert_cmpint(back.step, ==, STEP_BIND);
		g_assert_cmpint(back.num, ==, EBUSY);
		g_assert_cmpstr(back.subject, ==, err.subject);
		g_assert_cmpstr(back.object, ==, err.object);
	}
}

static void test_pack_longest(void)
{
	struct err err, back;
	char subject[ERR_TEXT_MAX];
	char buf[ERR_PACKED_MAX];
	size_t len;

	memset(subject, 'x', sizeof(subject) - 1);
	subject[sizeof(subject) - 1] = '\0';
	(void)err_step(&err, STEP_BIND, EBUSY, subject, subject);
	len = err_pack(&err, buf);
	g_assert_cmpuint(len, <=, sizeof(buf));
	g_assert_cmpint(err_unpack(&back, buf, len), ==, 0);
	g_assert_cmpstr(back.object, ==, subject);
}

/* Whatever else arrives on the socket is refused: no prefix of a message is a message. */
static void test_unpack_rubbish(void)
{
	static const int32_t bad_heads[][2] = {
		{ STEP_NONE, EPERM },
		{ STEP_COUNT, EPERM },
		{ -1, EPERM },
		{ STEP_BIND, -EPERM },
	};
	struct err err, back;
	char buf[ERR_PACKED_MAX];
	size_t len;

	(void)err_step(&err, STEP_BIND, EBUSY, "/a", "/b");
	len = err_pack(&err, buf);
	for (size_t cut = 0; cut < len; cut++)
		g_assert_cmpint(err_unpack(&back, buf, cut), ==, -EINVAL);
	g_assert_cmpint(err_unpack(&back, buf, ERR_PACKED_MAX + 1), ==, -EINVAL);
	buf[len] = '\0';
	g_assert_cmpint(err_unpack(&back, buf, len + 1), ==, -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(bad_heads); i++) {
		memcpy(buf, bad_heads[i], sizeof(bad_heads[i]));
		g_assert_cmpint(err_unpack(&back, buf, len), ==, -EINVAL);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/err/step", test_step);
	g_test_add_func("/err/step-without-object", test_step_without_object);
	g_test_add_func("/err/step-without-errno", test_step_without_errno);
	g_test_add_func("/err/text", test_text);
	g_test_add_func("/err/control-bytes", test_control_bytes);
	g_test_add_func("/err/percent", test_percent);
	g_test_add_func("/err/long-subject", test_long_subject);
	g_test_add_func("/err/small-buffer", test_small_buffer);
	g_test_add_func("/err/all-steps", test_all_steps);
	g_test_add_func("/err/pack", test_pack);
	g_test_add_func("/err/pack-longest", test_pack_longest);
	g_test_add_func("/err/unpack-rubbish", test_unpack_rubbish);
	return g_test_run();
}
