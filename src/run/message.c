/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/plan.h"
#include "run/hints.h"

/* One line, one write: lines of several processes do not mix. */
static void print(const struct plan *plan, const char *level, const char *text)
{
	const char *name = plan->personality == PERSONALITY_BWRAP ? "bwrap" : "sbx";
	char line[ERR_LINE_MAX + 32];
	ssize_t done = 0;
	int len = snprintf(line, sizeof(line), "%s%s: %s\n", plan->level_prefix ? level : "", name,
	                   text);

	if (len >= (int)sizeof(line))
		len = (int)sizeof(line) - 1;
	for (ssize_t n = 0; len > 0; len -= (int)n) {
		n = write(STDERR_FILENO, line + done, (size_t)len);
		if (n < 0 && errno != EINTR)
			return; /* nobody is left to be told */
		n = n < 0 ? 0 : n;
		done += n;
	}
}

void message_error(const struct plan *plan, const struct err *err)
{
	char text[ERR_LINE_MAX];
	const char *hint = hint_find(err);

	err_format(err, plan->personality, text, sizeof(text));
	print(plan, "<3>", text);
	if (hint && plan->personality == PERSONALITY_NATIVE) {
		snprintf(text, sizeof(text), "hint: %s", hint);
		print(plan, "<3>", text);
	}
}

void message_warnings(const struct plan *plan)
{
	for (size_t i = 0; i < plan->warnings.len; i++)
		print(plan, i < plan->n_plain_warnings ? "" : "<4>",
		      VEC_AT(&plan->warnings, const char *, i));
}

void message_warning(const struct plan *plan, const char *text)
{
	print(plan, "<4>", text);
}

int message_exit_status(const struct plan *plan, const struct err *err)
{
	if (plan->personality == PERSONALITY_BWRAP)
		return 1;
	if (err->step != STEP_EXEC)
		return 125;
	return err->num == ENOENT ? 127 : 126;
}
