/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any command line, and any --args file, as far as the plan: what is refused has a reason, what is
 * accepted can be printed, one step a line. The input is the arguments, each ended by a NUL; after
 * a byte 0xff comes what every --args descriptor gives. A first byte below ' ' chooses the
 * personality and the caller.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/host.h"
#include "core/options.h"
#include "core/plan-check.h"
#include "core/plan-print.h"
#include "core/plan-resolve.h"
#include "core/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ARGS = 512 };
enum { AS_BWRAP = 1, AS_ROOT = 2, WITHOUT_CWD = 4 };

/* options_read_fn has no argument of ours */
static struct {
	const char *bytes;
	size_t len;
} args_file;

static int read_args_file(int fd, char **ret, size_t *ret_len)
{
	if (fd == 9)
		return -EBADF;
	*ret = malloc(args_file.len + 1);
	if (!*ret)
		return -ENOMEM;
	if (args_file.len)
		memcpy(*ret, args_file.bytes, args_file.len);
	(*ret)[args_file.len] = '\0';
	*ret_len = args_file.len;
	return 0;
}

/* A message is one line, whatever was on the command line. */
static void check_error(const struct err *err)
{
	char text[ERR_LINE_MAX];

	if (err->step <= STEP_NONE || err->step >= STEP_COUNT)
		abort();
	err_format(err, PERSONALITY_BWRAP, text, sizeof(text));
	err_format(err, PERSONALITY_NATIVE, text, sizeof(text));
	if (!text[0])
		abort();
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
}

static void check_print(const struct plan *plan)
{
	char *text = plan_print(plan);
	size_t len = text ? strlen(text) : 0;

	if (!len || text[len - 1] != '\n')
		abort();
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\n' && ((unsigned char)text[i] < 0x20 || text[i] == 0x7f))
			abort();
	free(text);
	for (size_t i = 0; i < plan->ops.len; i++)
		free(plan_print_op(plan, plan_op(plan, i)));
}

static void complete(struct plan *plan, unsigned int how)
{
	static char *const environment[] = { (char *)"TERM=x", (char *)"LC_ALL=C", (char *)"A=B",
		                             NULL };
	struct host host = {
		.uid = how & AS_ROOT ? 0 : 1000,
		.gid = how & AS_ROOT ? 0 : 1000,
		.userns_usable = true,
		.has_cgroup_ns = true,
		.cwd = how & WITHOUT_CWD ? NULL : (char *)"/home/user",
		.usr_links = { (char *)"usr/bin" },
		.nodename = "host",
		.user = "user",
		.home = "/home/user",
		.environ = environment,
	};
	struct err err = { 0 };
	char **env;

	if (plan_resolve(plan, &host, &err) < 0 || plan_check(plan, &host, &err) < 0) {
		check_error(&err);
		return;
	}
	check_print(plan);
	env = plan_environment(plan, &host);
	if (!env)
		abort();
	free(env);
}

/* argv points into text, which ends in a NUL. */
static int split(char *text, size_t len, char **argv)
{
	int argc = 1;

	argv[0] = (char *)"sbx";
	for (size_t i = 0; i < len && argc < MAX_ARGS - 1; i += strlen(text + i) + 1)
		argv[argc++] = text + i;
	argv[argc] = NULL;
	return argc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int how = size && data[0] < ' ' ? data[0] : 0;
	char *text = malloc(size + 1);
	char *argv[MAX_ARGS];
	struct err err = { 0 };
	struct plan plan;
	char *mark;
	size_t len = size;
	size_t skip = size && data[0] < ' ' ? 1 : 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	mark = memchr(text, 0xff, size);
	args_file.bytes = mark ? mark + 1 : "";
	args_file.len = mark ? size - (size_t)(mark + 1 - text) : 0;
	if (mark) {
		*mark = '\0';
		len = (size_t)(mark - text);
	}
	plan_init(&plan, how & AS_BWRAP ? PERSONALITY_BWRAP : PERSONALITY_NATIVE);
	if (options_parse(&plan, split(text + skip, len > skip ? len - skip : 0, argv), argv,
	                  read_args_file, &err) < 0)
		check_error(&err);
	else if (plan.process.argv)
		complete(&plan, how);
	plan_free(&plan);
	free(text);
	return 0;
}
