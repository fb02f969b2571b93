/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/limits.h"

static int print_properties(FILE *out, const struct limits *limits)
{
	struct vec properties = VEC_INIT(char *);
	int r = limits_properties(limits, &properties);

	for (size_t i = 0; i < properties.len; i++) {
		char *text = VEC_AT(&properties, char *, i);

		fprintf(out, "property %s\n", text);
		free(text);
	}
	vec_free(&properties);
	return r;
}

static int print_files(FILE *out, const struct limits *limits)
{
	struct vec files = VEC_INIT(struct limit_file);
	int r = limits_files(limits, &files);

	for (size_t i = 0; i < files.len; i++) {
		const struct limit_file *file = &VEC_AT(&files, struct limit_file, i);

		fprintf(out, "write payload/%s %s\n", file->file, file->text);
	}
	limit_files_free(&files);
	return r;
}

/* Nanoseconds as seconds, without zeros that say nothing. */
static void print_seconds(FILE *out, uint64_t ns)
{
	char fraction[16];
	int len = snprintf(fraction, sizeof(fraction), "%09" PRIu64, ns % 1000000000);

	while (len > 0 && fraction[len - 1] == '0')
		fraction[--len] = '\0';
	fprintf(out, "%" PRIu64 "%s%s s", ns / 1000000000, len ? "." : "", fraction);
}

static void print_ulimits(FILE *out, const struct limits *limits)
{
	for (size_t i = 0; i < limits->ulimits.len; i++) {
		const struct ulimit *limit = &VEC_AT(&limits->ulimits, struct ulimit, i);
		const uint64_t values[] = { limit->soft, limit->hard };
		const char *name = "";
		int resource = -1;

		for (size_t k = 0; resource != limit->resource; k++)
			name = ulimit_name(k, &resource);
		fprintf(out, "ulimit %s", name);
		for (size_t k = 0; k < 2; k++) {
			if (values[k] == ULIMIT_NONE)
				fputs(" unlimited", out);
			else
				fprintf(out, " %" PRIu64, values[k]);
		}
		fputc('\n', out);
	}
}

static void print_timeout(FILE *out, const struct limits *limits)
{
	if (!limits->timeout_ns)
		return;
	fputs("timeout ", out);
	print_seconds(out, limits->timeout_ns);
	if (limits->kill_after_ns) {
		fputs(", kill after ", out);
		print_seconds(out, limits->kill_after_ns);
	}
	fputc('\n', out);
}

int limits_print(FILE *out, const struct limits *limits)
{
	int r = 0;

	if (limits_need_cgroup(limits)) {
		if (limits->choice != CGROUP_CGROUPFS) {
			fprintf(out, "scope sbx-%s.scope\n", limits->name);
			r = print_properties(out, limits);
		}
		if (limits->choice != CGROUP_SYSTEMD)
			fprintf(out, "%scgroup sbx-%s\n",
			        limits->choice == CGROUP_AUTO ? "or without a systemd: " : "",
			        limits->name);
		fputs("leaves payload helpers\n", out);
		if (r == 0)
			r = print_files(out, limits);
	}
	print_ulimits(out, limits);
	print_timeout(out, limits);
	return r;
}
