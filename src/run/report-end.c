/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/report-end.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/message.h"

static const char *const reasons[] = {
	[END_EXIT] = "exit", [END_SIGNAL] = "signal", [END_TIMEOUT] = "timeout",
	[END_OOM] = "oom",   [END_SETUP] = "setup",
};

int report_open(const struct plan *plan, int *ret_fd, struct err *err)
{
	const char *file = plan->report.file;

	*ret_fd = -1;
	if (!file || strcmp(file, "-") == 0)
		return 0;
	*ret_fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	return *ret_fd < 0 ? err_text(err, errno, "--report: open '%s'", file) : 0;
}

/* How many bytes of a well-formed UTF-8 character text begins with; 0 for none (RFC 3629). */
static size_t utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t len;
	} rows[] = {
		{ 0x20, 0x7e, 0x80, 0xbf, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (text[0] < rows[i].first || text[0] > rows[i].last)
			continue;
		if (rows[i].len > 1 && (text[1] < rows[i].low || text[1] > rows[i].high))
			return 0;
		for (size_t k = 2; k < rows[i].len; k++)
			if (text[k] < 0x80 || text[k] > 0xbf)
				return 0;
		return rows[i].len;
	}
	return 0;
}

/* Bytes that are no UTF-8 become the characters of the same number: JSON has no bytes. */
static void print_string(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	fputc('"', out);
	while (*p) {
		size_t len = utf8_length(p);

		if (*p == '"' || *p == '\\')
			fputc('\\', out);
		if (len > 0)
			fwrite(p, 1, len, out);
		else
			fprintf(out, "\\u%04x", *p);
		p += len > 0 ? len : 1;
	}
	fputc('"', out);
}

static void print_number(FILE *out, const char *key, int64_t value)
{
	if (value == USAGE_UNKNOWN)
		fprintf(out, ", \"%s\": null", key);
	else
		fprintf(out, ", \"%s\": %" PRId64, key, value);
}

static void print_seconds(FILE *out, const char *key, int64_t us)
{
	if (us == USAGE_UNKNOWN)
		fprintf(out, ", \"%s\": null", key);
	else
		fprintf(out, ", \"%s\": %" PRId64 ".%06" PRId64, key, us / 1000000, us % 1000000);
}

static void print_usage(FILE *out, const struct usage *usage)
{
	print_seconds(out, "wall_s", usage->wall_us);
	print_seconds(out, "cpu_user_s", usage->cpu_user_us);
	print_seconds(out, "cpu_sys_s", usage->cpu_system_us);
	print_number(out, "max_rss_bytes", usage->max_rss);
	print_number(out, "memory_peak_bytes", usage->memory_peak);
	print_number(out, "swap_peak_bytes", usage->swap_peak);
	print_number(out, "pids_peak", usage->pids_peak);
	print_number(out, "oom_kills", usage->oom_kills);
	print_number(out, "io_read_bytes", usage->io_read);
	print_number(out, "io_write_bytes", usage->io_write);
	print_seconds(out, "cpu_pressure_s", usage->cpu_some_us);
	print_seconds(out, "memory_pressure_s", usage->memory_some_us);
	print_seconds(out, "memory_stall_s", usage->memory_full_us);
	print_seconds(out, "io_pressure_s", usage->io_some_us);
	print_seconds(out, "io_stall_s", usage->io_full_us);
}

void report_print_json(FILE *out, const struct report_end *end)
{
	const struct plan *plan = end->plan;

	fputs("{ \"version\": 1, \"name\": ", out);
	if (plan->limits.name)
		print_string(out, plan->limits.name);
	else
		fputs("null", out);
	fputs(", \"argv\": [", out);
	for (char **arg = plan->process.argv; arg && *arg; arg++) {
		fputs(arg == plan->process.argv ? "" : ", ", out);
		print_string(out, *arg);
	}
	fprintf(out, "], \"phase\": \"%s\"", end->reason == END_SETUP ? "setup" : "run");
	fprintf(out, ", \"exit\": { \"code\": %d", end->code);
	print_number(out, "signal", end->signal ? end->signal : USAGE_UNKNOWN);
	fprintf(out, ", \"reason\": \"%s\" }", reasons[end->reason]);
	print_usage(out, &end->usage);
	fprintf(out, ", \"limits\": { \"backend\": \"%s\" } }\n",
	        end->backend ? end->backend : "none");
}

static void print_line(FILE *out, const char *label, int64_t value, int64_t unit, const char *name)
{
	if (value == USAGE_UNKNOWN)
		return;
	fprintf(out, "sbx: %-16s %" PRId64 ".%03" PRId64 " %s\n", label, value / unit,
	        value % unit * 1000 / unit, name);
}

void report_print_text(FILE *out, const struct report_end *end)
{
	const struct usage *usage = &end->usage;

	fprintf(out, "sbx: %-16s %s, status %d\n", "ended by", reasons[end->reason], end->code);
	print_line(out, "wall time", usage->wall_us, 1000000, "s");
	print_line(out, "user CPU time", usage->cpu_user_us, 1000000, "s");
	print_line(out, "system CPU time", usage->cpu_system_us, 1000000, "s");
	print_line(out, "largest process", usage->max_rss, 1 << 20, "MiB");
	print_line(out, "peak memory", usage->memory_peak, 1 << 20, "MiB");
	if (usage->pids_peak != USAGE_UNKNOWN)
		fprintf(out, "sbx: %-16s %" PRId64 "\n", "peak processes", usage->pids_peak);
	if (usage->oom_kills != USAGE_UNKNOWN)
		fprintf(out, "sbx: %-16s %" PRId64 "\n", "OOM kills", usage->oom_kills);
	print_line(out, "read", usage->io_read, 1 << 20, "MiB");
	print_line(out, "written", usage->io_write, 1 << 20, "MiB");
	fprintf(out, "sbx: %-16s %s\n", "limits held by", end->backend ? end->backend : "none");
}

static char *to_text(void (*print)(FILE *out, const struct report_end *end),
                     const struct report_end *end)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	print(out, end);
	return fclose(out) == 0 ? text : NULL;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A CI job that finds no report has to know why; a full disk can tell as late as close(2). */
static void write_file(const struct plan *plan, int fd, const char *json)
{
	char text[PATH_MAX + 128];
	int r = json ? write_all(fd, json) : -ENOMEM;

	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0)
		return;
	snprintf(text, sizeof(text), "--report: write '%s': %s", plan->report.file, strerror(-r));
	message_warning(plan, text);
}

bool report_end_is_wanted(const struct plan *plan)
{
	return plan->report.file || plan->report.json_status_fd >= 0;
}

void report_end(const struct report_end *end, int fd)
{
	const struct plan *plan = end->plan;
	bool native = plan->personality == PERSONALITY_NATIVE || end->backend || plan->report.file;
	cleanup_free char *json = NULL;

	if (!report_end_is_wanted(plan))
		return;
	json = to_text(report_print_json, end);
	if (fd >= 0)
		write_file(plan, fd, json);
	if (json && native && plan->report.json_status_fd >= 0)
		(void)write_all(plan->report.json_status_fd, json);
	if (plan->report.file && strcmp(plan->report.file, "-") == 0) {
		cleanup_free char *text = to_text(report_print_text, end);

		if (text)
			(void)write_all(STDERR_FILENO, text);
	}
}
