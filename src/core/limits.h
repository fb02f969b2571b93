/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits: what is wanted, and what that means in the words of cgroup v2 (Documentation/admin-guide/
 * cgroup-v2.rst) and of systemd (systemd.resource-control(5)). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/parse-limit.h"
#include "core/vec.h"

enum cgroup_choice { CGROUP_AUTO, CGROUP_SYSTEMD, CGROUP_CGROUPFS, CGROUP_NONE };

enum amount_kind { AMOUNT_UNSET, AMOUNT_BYTES, AMOUNT_PERCENT, AMOUNT_MAX };

struct amount {
	enum amount_kind kind;
	uint64_t value; /* bytes, or hundredths of a per cent of the machine's memory */
};

enum io_kind { IO_READ_BPS, IO_WRITE_BPS, IO_READ_IOPS, IO_WRITE_IOPS, IO_KINDS };

struct io_limit {
	enum io_kind kind;
	const char *device;  /* a path, or MAJOR:MINOR */
	unsigned int dev[2]; /* its number, once known is set */
	bool known;
	uint64_t rate; /* a second */
};

struct limits {
	enum cgroup_choice choice;
	uint64_t memory_total;    /* resolved: what a percentage is of */
	const char *slice, *name; /* NULL: not given */
	bool delegate;
	bool measured; /* resolved: every controller is wanted, for figures or for the payload */
	struct amount memory, memory_high, memory_swap;
	uint64_t pids, cpus;                   /* 0: not given; cpus in millionths */
	unsigned int cpu_weight, io_weight;    /* 0: not given */
	const char *cpuset_cpus, *cpuset_mems; /* in shortest form; NULL: not given */
	struct vec io;                         /* struct io_limit */
	struct vec ulimits;                    /* struct ulimit */
	uint64_t timeout_ns;                   /* 0: none */
	uint64_t kill_after_ns;
	bool kill_after_given;
};

enum { LIMITS_KILL_AFTER_S = 10 };
#define LIMITS_MEMORY_MIN (UINT64_C(1) << 20) /* less can't hold a program that starts */

void limits_init(struct limits *limits);
void limits_free(struct limits *limits);

/* Whether something was asked for that only a cgroup can hold or show. */
bool limits_need_cgroup(const struct limits *limits);

/* One file of the payload's leaf. The option is the one that asked for it, or that it follows from.
 */
struct limit_file {
	const char *option, *controller, *file;
	char *text;
};

/* Appends what is to be written, in order, to files (of struct limit_file). Returns 0 or -ENOMEM;
 * limit_files_free() frees the texts and empties it. */
int limits_files(const struct limits *limits, struct vec *files);
void limit_files_free(struct vec *files);

/* Appends "NAME=VALUE" (char *, to be freed one by one) for each property of the unit that shows
 * the limits to systemd's tools, with room for the helpers beside the payload. 0 or -ENOMEM. */
int limits_properties(const struct limits *limits, struct vec *properties);

/* Prints what a run would do about its limits, for --dry-run: one step a line. Returns 0 or
 * -ENOMEM. */
int limits_print(FILE *out, const struct limits *limits);
