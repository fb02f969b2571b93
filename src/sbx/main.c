/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sbx: arguments > plan > checked plan > stages > exec. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host.h"
#include "core/options.h"
#include "core/path.h"
#include "core/plan-check.h"
#include "core/plan-print.h"
#include "core/plan-resolve.h"
#include "core/plan.h"
#include "run/fds.h"
#include "run/helper.h"
#include "run/launch.h"
#include "run/limits-device.h"
#include "run/message.h"
#include "run/net.h"
#include "run/probe.h"
#include "run/seccomp.h"

/* Called as bwrap, as NAME-bwrap, or re-executed by a program that bwrap started: then it is bwrap.
 */
static enum personality find_personality(const char *argv0)
{
	const char *name = path_last(argv0);
	size_t len = strlen(name);

	if (!strcmp(name, "bwrap") || !strcmp(name, "exe"))
		return PERSONALITY_BWRAP;
	return len > 6 && !strcmp(name + len - 6, "-bwrap") ? PERSONALITY_BWRAP
	                                                    : PERSONALITY_NATIVE;
}

/* What a distribution may put in packages of their own, and what is always there. */
static void print_features(void)
{
	static const struct {
		const char *name;
		const char *helper;
	} features[] = {
		{ "cgroupfs", NULL },       { "landlock", NULL }, { "seccomp", NULL },
		{ "systemd", "sbx-scope" }, { "net", "sbx-net" }, { "oci-seccomp", "sbx-seccomp" },
	};
	char path[PATH_MAX];

	printf("features:");
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (features[i].helper)
			helper_find(features[i].helper, path, sizeof(path));
		if (!features[i].helper || access(path, X_OK) == 0)
			printf(" %s", features[i].name);
	}
	printf("\n");
}

static int fail(const struct plan *plan, const struct err *err)
{
	message_error(plan, err);
	return message_exit_status(plan, err);
}

/* A script that stores what was printed must not take half of it for all. */
static int end_output(const struct plan *plan, bool ok)
{
	struct err err;

	if (ok && fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	err_text(&err, errno, "print to standard output");
	return fail(plan, &err);
}

static int print_version(const struct plan *plan)
{
	if (plan->personality == PERSONALITY_BWRAP) {
		printf("bubblewrap 0.11.1\nsbx %s\n", PACKAGE_VERSION);
	} else {
		printf("sbx %s\ncompatible with bubblewrap 0.11.1\n", PACKAGE_VERSION);
		print_features();
	}
	return end_output(plan, true);
}

static int print_text(const struct plan *plan, char *text)
{
	int r;

	if (!text)
		errno = ENOMEM;
	r = end_output(plan, text && fputs(text, stdout) >= 0);
	free(text);
	return r;
}

static void print_usage(const char *program)
{
	char *text = options_usage(program);

	if (text)
		(void)fputs(text, stderr);
	free(text);
}

/* Says what a profile does that somebody chose; everybody has the default one. */
static int print_plan(struct plan *plan, struct err *err)
{
	char *details = NULL;

	if (plan->seccomp_profile && (plan->seccomp_named || plan->verbose)) {
		if (seccomp_explain(plan, &details, err) < 0)
			return fail(plan, err);
		plan->seccomp_details = details;
		if (vec_add(&plan->owned, &details) < 0)
			plan->seccomp_details = NULL;
	}
	return print_text(plan, plan_print(plan));
}

static int run_plan(struct plan *plan, struct host *host, struct net *net, struct err *err)
{
	char **env;
	int r = plan->fake_host ? 0 : limits_find_devices(&plan->limits, err);

	if (r == 0)
		r = plan_resolve(plan, host, err);
	if (r == 0)
		r = plan_check(plan, host, err);
	if (r < 0)
		return fail(plan, err);
	if (plan->dry_run)
		return print_plan(plan, err);
	env = plan_environment(plan, host);
	if (!env) {
		err_text(err, ENOMEM, "make the environment");
		return fail(plan, err);
	}
	r = launch_run(plan, host, env, net, err);
	free(env);
	return r;
}

static int run_command(struct plan *plan, struct err *err)
{
	struct host host;
	struct net net;
	int r = 0;

	launch_begin(plan, &net);
	if (plan->fake_host)
		probe_fake(&host, plan);
	else
		r = probe_host(&host, plan, err);
	r = r < 0 ? fail(plan, err) : run_plan(plan, &host, &net, err);
	net_stop(&net);
	host_free(&host);
	return r;
}

static int run_arguments(struct plan *plan, int argc, char **argv, struct err *err)
{
	int r = options_parse(plan, argc, argv, fds_read_all, err);

	message_warnings(plan);
	if (r < 0)
		return fail(plan, err);
	if (plan->help)
		return print_text(plan, options_usage(argv[0]));
	if (plan->version)
		return print_version(plan);
	if (plan->list_options)
		return print_text(plan, options_list());
	if (!plan->process.argv) {
		print_usage(argc > 0 ? argv[0] : "sbx");
		return plan->personality == PERSONALITY_BWRAP ? 1 : 125;
	}
	return run_command(plan, err);
}

int main(int argc, char **argv)
{
	struct plan plan;
	struct err err;
	int r = fds_guard_stdio();

	plan_init(&plan, find_personality(argc > 0 ? argv[0] : "sbx"));
	if (r < 0) {
		err_step(&err, STEP_FDS, -r, NULL, NULL);
		return fail(&plan, &err);
	}
	r = run_arguments(&plan, argc, argv, &err);
	plan_free(&plan);
	return r;
}
