/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cpu.max counts in periods of this length, in microseconds: the kernel's default */
enum { CPU_PERIOD_US = 100000 };

/* What the unit allows beyond the payload's leaf, for the processes that serve the payload. */
#define HELPERS_MEMORY (UINT64_C(64) << 20)
#define HELPERS_PIDS   UINT64_C(16)
#define HELPERS_CPUS   UINT64_C(500000)

void limits_init(struct limits *limits)
{
	*limits = (struct limits){
		.kill_after_ns = LIMITS_KILL_AFTER_S * UINT64_C(1000000000),
		.io = VEC_INIT(struct io_limit),
		.ulimits = VEC_INIT(struct ulimit),
	};
}

void limits_free(struct limits *limits)
{
	vec_free(&limits->io);
	vec_free(&limits->ulimits);
}

static bool has_limit(const struct limits *limits)
{
	return limits->memory.kind || limits->memory_high.kind || limits->memory_swap.kind ||
	       limits->pids || limits->cpus || limits->cpu_weight || limits->io_weight ||
	       limits->cpuset_cpus || limits->cpuset_mems || limits->io.len;
}

bool limits_need_cgroup(const struct limits *limits)
{
	return has_limit(limits) || limits->delegate || limits->slice ||
	       limits->choice == CGROUP_SYSTEMD || limits->choice == CGROUP_CGROUPFS;
}

/* Without a value that was given there is nothing to write. */
static char *amount_text(const struct amount *amount, uint64_t memory_total, uint64_t extra,
                         const char *unlimited)
{
	uint64_t bytes = amount->value;
	char *text;

	if (amount->kind == AMOUNT_MAX)
		return strdup(unlimited);
	if (amount->kind == AMOUNT_PERCENT)
		bytes = (uint64_t)((unsigned __int128)memory_total * bytes / 10000);
	if (asprintf(&text, "%" PRIu64, bytes > INT64_MAX - extra ? INT64_MAX : bytes + extra) < 0)
		return NULL;
	return text;
}

__attribute__((format(printf, 1, 2))) static char *text_of(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	return r < 0 ? NULL : text;
}

/* Takes over text; NULL is the lack of memory that made it. */
static int add_file(struct vec *files, const char *option, const char *file, char *text)
{
	static const char *const controllers[] = { "memory", "pids", "cpuset", "cpu", "io" };
	struct limit_file item = { .option = option, .file = file, .text = text };

	for (size_t i = 0; !item.controller; i++)
		if (strncmp(file, controllers[i], strlen(controllers[i])) == 0)
			item.controller = controllers[i];
	if (text && vec_add(files, &item) == 0)
		return 0;
	free(text);
	return -ENOMEM;
}

/* A limit that can be evaded by swapping is none: without --memory-swap there is no swap. */
static struct amount swap_amount(const struct limits *limits)
{
	static const struct amount nothing = { AMOUNT_BYTES, 0 };

	if (!limits->memory_swap.kind && limits->memory.kind && limits->memory.kind != AMOUNT_MAX)
		return nothing;
	return limits->memory_swap;
}

static int memory_files(const struct limits *limits, struct vec *files)
{
	const uint64_t total = limits->memory_total;
	const struct amount swap = swap_amount(limits);
	int r = 0;

	if (swap.kind)
		r = add_file(files, limits->memory_swap.kind ? "memory-swap" : "memory",
		             "memory.swap.max", amount_text(&swap, total, 0, "max"));
	if (r == 0 && limits->memory_high.kind)
		r = add_file(files, "memory-high", "memory.high",
		             amount_text(&limits->memory_high, total, 0, "max"));
	if (r == 0 && limits->memory.kind)
		r = add_file(files, "memory", "memory.max",
		             amount_text(&limits->memory, total, 0, "max"));
	/* out of memory, the payload dies as a whole, not one process of it at random */
	if (r == 0 && limits->memory.kind)
		r = add_file(files, "memory", "memory.oom.group", strdup("1"));
	return r;
}

static int cpu_files(const struct limits *limits, struct vec *files)
{
	int r = 0;

	if (limits->cpuset_cpus)
		r = add_file(files, "cpuset-cpus", "cpuset.cpus", strdup(limits->cpuset_cpus));
	if (r == 0 && limits->cpuset_mems)
		r = add_file(files, "cpuset-mems", "cpuset.mems", strdup(limits->cpuset_mems));
	if (r == 0 && limits->cpus)
		r = add_file(files, "cpus", "cpu.max",
		             text_of("%" PRIu64 " %d", limits->cpus * CPU_PERIOD_US / 1000000,
		                     CPU_PERIOD_US));
	if (r == 0 && limits->cpu_weight)
		r = add_file(files, "cpu-weight", "cpu.weight", text_of("%u", limits->cpu_weight));
	return r;
}

static const struct {
	const char *option, *key, *property;
} io_names[IO_KINDS] = {
	[IO_READ_BPS] = { "device-read-bps", "rbps", "IOReadBandwidthMax" },
	[IO_WRITE_BPS] = { "device-write-bps", "wbps", "IOWriteBandwidthMax" },
	[IO_READ_IOPS] = { "device-read-iops", "riops", "IOReadIOPSMax" },
	[IO_WRITE_IOPS] = { "device-write-iops", "wiops", "IOWriteIOPSMax" },
};

static int io_files(const struct limits *limits, struct vec *files)
{
	int r = 0;

	if (limits->io_weight)
		r = add_file(files, "io-weight", "io.weight",
		             text_of("default %u", limits->io_weight));
	for (size_t i = 0; r == 0 && i < limits->io.len; i++) {
		const struct io_limit *io = &VEC_AT(&limits->io, struct io_limit, i);
		const char *key = io_names[io->kind].key;

		r = add_file(files, io_names[io->kind].option, "io.max",
		             io->known ? text_of("%u:%u %s=%" PRIu64, io->dev[0], io->dev[1], key,
		                                 io->rate)
		                       : text_of("%s %s=%" PRIu64, io->device, key, io->rate));
	}
	return r;
}

int limits_files(const struct limits *limits, struct vec *files)
{
	int r = memory_files(limits, files);

	if (r == 0 && limits->pids)
		r = add_file(files, "pids-limit", "pids.max", text_of("%" PRIu64, limits->pids));
	if (r == 0)
		r = cpu_files(limits, files);
	return r == 0 ? io_files(limits, files) : r;
}

void limit_files_free(struct vec *files)
{
	for (size_t i = 0; i < files->len; i++)
		free(VEC_AT(files, struct limit_file, i).text);
	vec_free(files);
}

static int add_property(struct vec *properties, const char *name, char *value)
{
	char *text = value ? text_of("%s=%s", name, value) : NULL;

	free(value);
	if (text && vec_add(properties, &text) == 0)
		return 0;
	free(text);
	return -ENOMEM;
}

static int memory_properties(const struct limits *limits, struct vec *properties)
{
	const uint64_t total = limits->memory_total;
	const struct amount swap = swap_amount(limits);
	const struct {
		const char *name;
		const struct amount *amount;
		uint64_t extra;
	} rows[] = {
		{ "MemoryHigh", &limits->memory_high, HELPERS_MEMORY },
		{ "MemoryMax", &limits->memory, HELPERS_MEMORY },
		{ "MemorySwapMax", &swap, 0 },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].amount->kind)
			r = add_property(
				properties, rows[i].name,
				amount_text(rows[i].amount, total, rows[i].extra, "infinity"));
	return r;
}

static int cpu_properties(const struct limits *limits, struct vec *properties)
{
	int r = 0;

	if (limits->cpus)
		r = add_property(properties, "CPUQuotaPerSecUSec",
		                 text_of("%" PRIu64, limits->cpus + HELPERS_CPUS));
	if (r == 0 && limits->cpu_weight)
		r = add_property(properties, "CPUWeight", text_of("%u", limits->cpu_weight));
	if (r == 0 && limits->cpuset_cpus)
		r = add_property(properties, "AllowedCPUs", strdup(limits->cpuset_cpus));
	if (r == 0 && limits->cpuset_mems)
		r = add_property(properties, "AllowedMemoryNodes", strdup(limits->cpuset_mems));
	return r;
}

/* systemd takes a path, not a number, and one that exists. */
static int io_properties(const struct limits *limits, struct vec *properties)
{
	int r = 0;

	if (limits->io_weight)
		r = add_property(properties, "IOWeight", text_of("%u", limits->io_weight));
	for (size_t i = 0; r == 0 && i < limits->io.len; i++) {
		const struct io_limit *io = &VEC_AT(&limits->io, struct io_limit, i);

		if (io->device[0] == '/')
			r = add_property(properties, io_names[io->kind].property,
			                 text_of("%s %" PRIu64, io->device, io->rate));
	}
	return r;
}

/* The controllers of files, each once. */
static char *controller_words(const struct vec *files)
{
	char words[64] = "";
	const char *last = "";

	for (size_t i = 0; i < files->len; i++) {
		const char *name = VEC_AT(files, struct limit_file, i).controller;
		size_t len = strlen(words);

		if (strcmp(name, last) != 0)
			snprintf(words + len, sizeof(words) - len, "%s%s", len ? " " : "", name);
		last = name;
	}
	return strdup(words);
}

/* Each controller that is delegated is turned on for all that lies beside the unit, by systemd and
 * by the kernel, and off again at its end, which costs as much again as making the scope. "yes" is
 * all of them, and a list adds to what was said before, but for an empty one, which takes it back.
 */
static int delegate_properties(const struct limits *limits, struct vec *properties)
{
	struct vec files = VEC_INIT(struct limit_file);
	int r = add_property(properties, "Delegate", strdup("yes"));

	if (r < 0 || limits->measured)
		return r;
	r = limits_files(limits, &files);
	if (r == 0)
		r = add_property(properties, "DelegateControllers", strdup(""));
	if (r == 0 && files.len)
		r = add_property(properties, "DelegateControllers", controller_words(&files));
	limit_files_free(&files);
	return r;
}

int limits_properties(const struct limits *limits, struct vec *properties)
{
	int r = memory_properties(limits, properties);

	if (r == 0)
		r = add_property(properties, "Slice",
		                 strdup(limits->slice ? limits->slice : "app.slice"));
	if (r == 0 && limits->pids)
		r = add_property(properties, "TasksMax",
		                 text_of("%" PRIu64, limits->pids + HELPERS_PIDS));
	if (r == 0)
		r = cpu_properties(limits, properties);
	if (r == 0)
		r = io_properties(limits, properties);
	return r == 0 ? delegate_properties(limits, properties) : r;
}
