/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which places of a plan Landlock may open for writing, and what an ABI is said to lack. */
#include <glib.h>

#include "core/cleanup.h"
#include "core/plan-landlock.h"
#include "core/plan.h"
#include "run/landlock.h"

enum { OPS = 5 };

struct place {
	enum op_kind kind;
	unsigned int flags;
	const char *dst;
	bool writable;
};

static void lay(struct plan *plan, const struct place *steps)
{
	plan_init(plan, PERSONALITY_NATIVE);
	for (size_t i = 0; i < OPS && steps[i].dst; i++) {
		struct op op = { .kind = steps[i].kind,
			         .flags = steps[i].flags,
			         .dst = steps[i].dst,
			         .fd = -1,
			         .perms = OP_PERMS_DEFAULT };

		g_assert_cmpint(plan_add_op(plan, &op), ==, 0);
	}
}

static void test_writable(void)
{
	static const struct place cases[][OPS] = {
		{ { OP_BIND, 0, "/a", true }, { OP_BIND, OP_RDONLY, "/b", false } },
		{ { OP_TMPFS, 0, "/a", true }, { OP_SYMLINK, 0, "/b", false } },
		{ { OP_DEV, 0, "/dev", true }, { OP_PROC, 0, "/proc", true } },
		/* covered, by the same place and by a parent */
		{ { OP_BIND, 0, "/a", false }, { OP_BIND, OP_RDONLY, "/a", false } },
		{ { OP_BIND, 0, "/a/b", false }, { OP_TMPFS, 0, "a/", true } },
		{ { OP_BIND, 0, "/a", false }, { OP_BIND, OP_RDONLY, "/", false } },
		/* not covered: another name, a child, an earlier one */
		{ { OP_BIND, 0, "/a", true }, { OP_BIND, OP_RDONLY, "/ab", false } },
		{ { OP_BIND, 0, "/a", true }, { OP_BIND, OP_RDONLY, "/a/b", false } },
		{ { OP_BIND, OP_RDONLY, "/a", false }, { OP_BIND, 0, "/a/b", true } },
		/* a remount is for one mount only */
		{ { OP_BIND, 0, "/a", false }, { OP_REMOUNT_RO, 0, "/a", false } },
		{ { OP_BIND, 0, "/a/b", true }, { OP_REMOUNT_RO, 0, "/a", false } },
		{ { OP_DIR, 0, "/a", true }, { OP_MASK, 0, "/a/b", false } },
		{ { OP_OVERLAY, 0, "/a", true }, { OP_RO_OVERLAY, 0, "/b", false } },
	};
	struct plan plan;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		lay(&plan, cases[i]);
		for (size_t j = 0; j < plan.ops.len; j++) {
			g_test_message("case %zu, operation %zu", i, j);
			g_assert_cmpint(plan_landlock_writable(&plan, j), ==, cases[i][j].writable);
		}
		plan_free(&plan);
	}
}

static void test_uncovered(void)
{
	static const struct place nested[OPS] = { { OP_BIND, OP_RDONLY, "/usr", false },
		                                  { OP_BIND, 0, "/a", false },
		                                  { OP_BIND, OP_RDONLY, "/a/b", false } };
	static const struct place apart[OPS] = { { OP_BIND, 0, "/a", false },
		                                 { OP_BIND, OP_RDONLY, "/ab", false } };
	struct plan plan;
	size_t i = 0;

	lay(&plan, nested);
	g_assert_cmpint(plan_landlock_uncovered(&plan, &i), ==, 1);
	g_assert_cmpuint(i, ==, 2);
	plan_free(&plan);
	i = 0;
	lay(&plan, apart);
	g_assert_cmpint(plan_landlock_uncovered(&plan, &i), ==, -1);
	plan_free(&plan);
}

static void test_lacks(void)
{
	g_assert_nonnull(strstr(landlock_lacks(1), "truncating"));
	g_assert_null(strstr(landlock_lacks(3), "truncating"));
	g_assert_nonnull(strstr(landlock_lacks(4), "ioctls"));
	g_assert_null(strstr(landlock_lacks(5), "ioctls"));
	g_assert_nonnull(strstr(landlock_lacks(5), "signals"));
	g_assert_null(landlock_lacks(6));
	g_assert_null(landlock_lacks(7));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/landlock/writable", test_writable);
	g_test_add_func("/landlock/uncovered", test_uncovered);
	g_test_add_func("/landlock/lacks", test_lacks);
	return g_test_run();
}
