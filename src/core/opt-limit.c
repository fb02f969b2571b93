/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options about limits: text to struct limits. What is refused is quoted, with what is accepted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/opt.h"
#include "core/parse-limit.h"
#include "core/parse.h"
#include "core/plan.h"

static void *field(const struct parse *ps, const struct option *opt)
{
	return (char *)ps->plan + opt->data;
}

static int refuse(const struct option *opt, const char *text, const char *accepted, struct err *err)
{
	return err_text(err, 0, "--%s takes %s, not '%s'", opt->name, accepted, text);
}

int opt_amount(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct amount *amount = field(ps, opt);
	struct amount parsed = { .kind = AMOUNT_BYTES };
	unsigned int percent;

	if (strcmp(args[0], "max") == 0) {
		parsed.kind = AMOUNT_MAX;
	} else if (parse_percent(args[0], &percent) == 0) {
		parsed = (struct amount){ AMOUNT_PERCENT, percent };
	} else if (parse_bytes(args[0], &parsed.value) < 0) {
		return refuse(opt, args[0],
		              "a size such as 512M, 1.5G or 25% of the machine's memory, or max",
		              err);
	}
	if (amount == &ps->plan->limits.memory && parsed.kind == AMOUNT_BYTES &&
	    parsed.value < LIMITS_MEMORY_MIN)
		return err_text(err, 0,
		                "--%s %s is less than a program needs to start: at least 1M",
		                opt->name, args[0]);
	*amount = parsed;
	return 0;
}

int opt_count(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	uint64_t *count = field(ps, opt);
	uint64_t value;

	/* PID_MAX_LIMIT, above which pids.max takes no number */
	if (parse_uint(args[0], 4194304, &value) < 0)
		return refuse(opt, args[0], "a number from 1 to 4194304", err);
	if (value == 0)
		return err_text(err, 0, "--%s 0 leaves no process to start: at least 1", opt->name);
	*count = value;
	return 0;
}

int opt_cpus(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	if (parse_cpus(args[0], field(ps, opt)) < 0)
		return refuse(opt, args[0], "a number of CPUs such as 0.5 or 2, at least 0.01",
		              err);
	return 0;
}

int opt_weight(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	if (parse_weight(args[0], field(ps, opt)) < 0)
		return refuse(opt, args[0], "a number from 1 to 10000", err);
	return 0;
}

int opt_cpu_list(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct cpu_list list;
	char *text;

	if (parse_cpu_list(args[0], &list) < 0)
		return refuse(opt, args[0], "a list such as 0-3,7", err);
	text = cpu_list_format(&list);
	if (!text || vec_add(&ps->plan->owned, &text) < 0) {
		free(text);
		return err_text(err, ENOMEM, "--%s", opt->name);
	}
	*(const char **)field(ps, opt) = text;
	return 0;
}

int opt_device_rate(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct io_limit io = { .kind = (enum io_kind)opt->data };
	bool bytes = io.kind == IO_READ_BPS || io.kind == IO_WRITE_BPS;
	const char *rate;
	size_t len;
	int r = parse_device(args[0], &len, &rate);

	if (r == 0)
		r = bytes ? parse_bytes(rate, &io.rate) : parse_uint(rate, UINT32_MAX, &io.rate);
	if (r == 0 && args[0][0] != '/') {
		r = parse_device_number(args[0], len, io.dev);
		io.known = r == 0;
	}
	if (r < 0 || io.rate == 0)
		return refuse(
			opt, args[0],
			bytes ? "DEVICE:RATE such as /dev/sda:1M or 8:0:1M (bytes a second)"
			      : "DEVICE:RATE such as /dev/sda:100 or 8:0:100 (operations a second)",
			err);
	io.device = plan_printf(ps->plan, "%.*s", (int)len, args[0]);
	if (!io.device || vec_add(&ps->plan->limits.io, &io) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	return 0;
}

int opt_duration(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	if (parse_duration(args[0], field(ps, opt)) < 0)
		return refuse(opt, args[0], "a duration such as 90s, 1.5m, 2h or 1d (0: none)",
		              err);
	if (strcmp(opt->name, "kill-after") == 0)
		ps->plan->limits.kill_after_given = true;
	return 0;
}

int opt_ulimit(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct ulimit limit;
	int r = parse_ulimit(args[0], &limit);

	if (r == -ENOENT)
		return err_text(
			err, 0,
			"--%s knows no '%.*s': as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack",
			opt->name, (int)strcspn(args[0], "="), args[0]);
	if (r < 0)
		return refuse(
			opt, args[0],
			"NAME=SOFT[:HARD] such as nofile=1024, SOFT not above HARD, or unlimited",
			err);
	if (vec_add(&ps->plan->limits.ulimits, &limit) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	return 0;
}

int opt_cgroup(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	static const char *const names[] = {
		[CGROUP_AUTO] = "auto",
		[CGROUP_SYSTEMD] = "systemd",
		[CGROUP_CGROUPFS] = "cgroupfs",
		[CGROUP_NONE] = "none",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(args[0], names[i]) == 0) {
			ps->plan->limits.choice = (enum cgroup_choice)i;
			return 0;
		}
	}
	return refuse(opt, args[0], "auto, systemd, cgroupfs or none", err);
}

/* What systemd takes in a unit's name, less what has a meaning there. */
static bool is_name(const char *text)
{
	static const char accepted[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(text);

	return len > 0 && len <= 200 && strspn(text, accepted) == len && text[0] != '.' &&
	       text[0] != '-';
}

int opt_name(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	if (!is_name(args[0]))
		return refuse(opt, args[0],
		              "letters, digits, '_', '.' and '-', a letter or digit first", err);
	*(const char **)field(ps, opt) = args[0];
	return 0;
}

int opt_slice(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	static const char suffix[] = ".slice";
	size_t len = strlen(args[0]);

	if (!is_name(args[0]) || len < sizeof(suffix) ||
	    strcmp(args[0] + len - (sizeof(suffix) - 1), suffix) != 0)
		return refuse(opt, args[0], "the name of a slice such as work.slice", err);
	*(const char **)field(ps, opt) = args[0];
	return 0;
}
