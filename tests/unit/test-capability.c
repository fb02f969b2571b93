/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names are libcap's, and the texts of errors are libc's. */
#include "core/capability.h"
#include "core/errno-text.h"

#include <glib.h>
#include <string.h>
#include <sys/capability.h>

static void test_names_are_libcaps(void)
{
	for (int cap = 0; cap < CAPABILITY_BITS; cap++) {
		char *theirs = cap_to_name(cap);
		const char *ours = capability_name(cap);

		g_assert_nonnull(theirs);
		if (ours)
			g_assert_cmpstr(ours, ==, theirs);
		g_assert_cmpint(capability_from_name(theirs), ==, cap);
		cap_free(theirs);
	}
	g_assert_nonnull(capability_name(CAP_LAST_CAP));
}

static void test_from_name(void)
{
	static const struct {
		const char *name;
		int cap;
	} cases[] = {
		{ "cap_kill", CAP_KILL },
		{ "CAP_KILL", CAP_KILL },
		{ "Cap_Sys_Admin", CAP_SYS_ADMIN },
		{ "0", 0 },
		{ "63", 63 },
		{ "64", -1 },
		{ "-1", -1 },
		{ "", -1 },
		{ "kill", -1 },
		{ "cap_", -1 },
		{ "cap_killer", -1 },
		{ "cap_kill ", -1 },
		{ "5x", -1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(capability_from_name(cases[i].name), ==, cases[i].cap);
	g_assert_null(capability_name(-1));
	g_assert_null(capability_name(CAPABILITY_BITS));
}

static void test_errno_texts(void)
{
	for (int num = 0; num < 134; num++)
		if (!g_str_has_prefix(strerror(num), "Unknown"))
			g_assert_cmpstr(errno_text(num), ==, strerror(num));
	g_assert_cmpstr(errno_text(-1), ==, "Unknown error");
	g_assert_cmpstr(errno_text(100000), ==, "Unknown error");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/capability/names", test_names_are_libcaps);
	g_test_add_func("/capability/from-name", test_from_name);
	g_test_add_func("/errno/texts", test_errno_texts);
	return g_test_run();
}
