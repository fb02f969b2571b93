/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --seccomp-profile: a built-in one is a pointer; a file goes through sbx-seccomp, so that neither
 * JSON nor libseccomp is loaded into sbx.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/caps.h"
#include "run/helper.h"
#include "run/message.h"
#include "run/seccomp.h"
#include "seccomp/builtin.h"

/* The program with every refusal turned into a line in the log, for --seccomp-log. */
static void turn_into_log(struct sock_filter *prog, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (prog[i].code == (BPF_RET | BPF_K) && prog[i].k != SECCOMP_RET_ALLOW)
			prog[i].k = SECCOMP_RET_LOG;
}

static int add_builtin(const struct seccomp_builtin *builtin, bool log,
                       struct seccomp_programs *programs, struct err *err)
{
	size_t size = builtin->len * sizeof(*builtin->prog);
	cleanup_free struct sock_filter *prog = malloc(size);

	if (!prog)
		return err_step(err, STEP_SECCOMP_READ, ENOMEM, NULL, NULL);
	memcpy(prog, builtin->prog, size);
	if (log)
		turn_into_log(prog, builtin->len);
	if (seccomp_add(programs, (char **)&prog, size, err) < 0)
		return -EINVAL;
	programs->n_early = programs->n;
	return 0;
}

static int run_helper(const struct plan *plan, bool explain, struct helper_output *ret,
                      struct err *err)
{
	char caps[24];
	const char *argv[9] = { "sbx-seccomp", "--caps", caps };
	size_t n = 3;

	if (access(plan->seccomp_profile, R_OK) < 0)
		return err_text(
			err, errno,
			"--seccomp-profile takes default, strict, nested, none or a file, not '%s'",
			plan->seccomp_profile);
	snprintf(caps, sizeof(caps), "%" PRIx64, caps_planned(plan));
	if (plan->seccomp_log)
		argv[n++] = "--log";
	if (explain)
		argv[n++] = "--explain";
	if (plan->verbose)
		argv[n++] = "--verbose";
	argv[n++] = "--";
	argv[n++] = plan->seccomp_profile;
	return helper_run((char *const *)argv, ret, err);
}

static void pass_notes_on(const struct plan *plan, char *text)
{
	static const char prefix[] = "sbx-seccomp: ";
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			line += strlen(prefix);
		if (*line)
			message_warning(plan, line);
	}
}

static int add_file(const struct plan *plan, struct seccomp_programs *programs, struct err *err)
{
	struct helper_output output = { 0 };
	int r = run_helper(plan, false, &output, err);

	if (r == 0)
		pass_notes_on(plan, output.text);
	if (r == 0)
		r = seccomp_add(programs, &output.out, output.out_len, err);
	free(output.out);
	free(output.text);
	return r;
}

int seccomp_read_profile(const struct plan *plan, struct seccomp_programs *programs,
                         struct err *err)
{
	const struct seccomp_builtin *builtin;

	if (!plan->seccomp_profile)
		return 0;
	builtin = seccomp_builtin_find(plan->seccomp_profile);
	return builtin ? add_builtin(builtin, plan->seccomp_log, programs, err)
	               : add_file(plan, programs, err);
}

static char *join_lines(const char *const *lines)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (; *lines; lines++)
		fprintf(out, "%s\n", *lines);
	return fclose(out) == 0 ? text : NULL;
}

int seccomp_explain(const struct plan *plan, char **ret, struct err *err)
{
	const struct seccomp_builtin *builtin = seccomp_builtin_find(plan->seccomp_profile);
	struct helper_output output = { 0 };
	int r;

	if (builtin) {
		*ret = join_lines(builtin->lines);
		return *ret ? 0 : err_text(err, ENOMEM, "explain the seccomp profile");
	}
	r = run_helper(plan, true, &output, err);
	if (r < 0)
		return r;
	free(output.text);
	*ret = output.out;
	return 0;
}
