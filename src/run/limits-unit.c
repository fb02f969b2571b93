/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/limits-unit.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "core/plan.h"
#include "core/vec.h"
#include "run/helper.h"

enum { DESCRIPTION_MAX = 256 };

/* Adds a formatted word; a lack of memory shows in argv->size, which is 0 then. */
__attribute__((format(printf, 2, 3))) static void add(struct vec *argv, const char *fmt, ...)
{
	char *word = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&word, fmt, ap);
	va_end(ap);
	if (r >= 0 && argv->size && vec_add(argv, &word) == 0)
		return;
	if (r >= 0)
		free(word);
	argv->size = 0;
}

/* "sbx: COMMAND", cut, and without what could upset a terminal or is no UTF-8 for sure. */
static void describe(const struct plan *plan, char text[DESCRIPTION_MAX])
{
	size_t len = (size_t)snprintf(text, DESCRIPTION_MAX, "sbx:");

	for (char **arg = plan->process.argv; arg && *arg && len + 2 < DESCRIPTION_MAX; arg++) {
		text[len++] = ' ';
		for (const char *p = *arg; *p && len + 1 < DESCRIPTION_MAX; p++)
			text[len++] = (char)(*p >= 0x20 && *p < 0x7f ? *p : '?');
	}
	text[len] = '\0';
}

static void add_properties(struct vec *argv, const struct plan *plan)
{
	struct vec properties = VEC_INIT(char *);

	if (limits_properties(&plan->limits, &properties) < 0)
		argv->size = 0;
	for (size_t i = 0; i < properties.len; i++) {
		char *text = VEC_AT(&properties, char *, i);

		add(argv, "--property=%s", text);
		free(text);
	}
	vec_free(&properties);
}

char **unit_command(const struct plan *plan, const char *unit, bool is_connected)
{
	char path[PATH_MAX];
	struct vec argv = VEC_INIT(char *);
	char description[DESCRIPTION_MAX];
	char *end = NULL;

	describe(plan, description);
	helper_find("sbx-scope", path, sizeof(path));
	add(&argv, "%s", path);
	add(&argv, "--answer-fd=3");
	if (is_connected)
		add(&argv, "--manager-fd=4");
	add(&argv, "--unit=%s", unit);
	add(&argv, "--description=%s", description);
	add_properties(&argv, plan);
	if (argv.size && vec_add(&argv, &end) == 0)
		return argv.items;
	for (size_t i = 0; i < argv.len; i++)
		free(((char **)argv.items)[i]);
	free(argv.items);
	return NULL;
}

void unit_command_free(char **argv)
{
	for (char **word = argv; *word; word++)
		free(*word);
	free(argv);
}
