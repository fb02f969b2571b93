/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/plan.h"
#include "run/hints.h"

/* What is before the text, the text, and its newline. */
enum { PREFIX_MAX = 16, LINE_MAX_ALL = PREFIX_MAX + ERR_LINE_MAX + 1 };

static size_t put_prefix(const struct plan *plan, const char *level, char *line)
{
	const char *name = plan->personality == PERSONALITY_BWRAP ? "bwrap" : "sbx";

	return (size_t)snprintf(line, PREFIX_MAX, "%s%s: ", plan->level_prefix ? level : "", name);
}

/* One line, one write: lines of several processes do not mix. */
static void print_line(char *line)
{
	size_t len = strlen(line);

	line[len++] = '\n';
	for (ssize_t n = 0; len > 0; len -= (size_t)n) {
		n = write(STDERR_FILENO, line, len);
		if (n < 0 && errno != EINTR)
			return; /* nobody is left to be told */
		n = n < 0 ? 0 : n;
		line += n;
	}
}

static void print(const struct plan *plan, const char *level, const char *kind, const char *text)
{
	char line[LINE_MAX_ALL];
	size_t at = put_prefix(plan, level, line);

	snprintf(line + at, ERR_LINE_MAX, "%s%s", kind, text);
	print_line(line);
}

static void print_error(const struct plan *plan, const struct err *err)
{
	char line[LINE_MAX_ALL];
	size_t at = put_prefix(plan, "<3>", line);

	err_format(err, plan->personality, line + at, ERR_LINE_MAX);
	print_line(line);
}

void message_error(const struct plan *plan, const struct err *err)
{
	const char *hint = hint_find(err);

	print_error(plan, err);
	if (hint && plan->personality == PERSONALITY_NATIVE)
		print(plan, "<3>", "hint: ", hint);
}

void message_warnings(const struct plan *plan)
{
	for (size_t i = 0; i < plan->warnings.len; i++)
		print(plan, i < plan->n_plain_warnings ? "" : "<4>", "",
		      VEC_AT(&plan->warnings, const char *, i));
}

void message_warning(const struct plan *plan, const char *text)
{
	print(plan, "<4>", "", text);
}

int message_exit_status(const struct plan *plan, const struct err *err)
{
	if (plan->personality == PERSONALITY_BWRAP)
		return 1;
	if (err->step != STEP_EXEC)
		return 125;
	return err->num == ENOENT ? 127 : 126;
}
