/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run has used. A figure that can't be read is USAGE_UNKNOWN, never 0. */
#pragma once

#include <stdint.h>
#include <sys/resource.h>

struct cgroup;

#define USAGE_UNKNOWN INT64_MIN

struct usage {
	int64_t wall_us, cpu_user_us, cpu_system_us;
	int64_t max_rss;                /* bytes, of the largest process */
	int64_t memory_peak, swap_peak; /* bytes, of all together */
	int64_t pids_peak, oom_kills;
	int64_t io_read, io_write; /* bytes, all devices together */
	int64_t cpu_some_us, memory_some_us, memory_full_us, io_some_us, io_full_us; /* pressure */
};

void usage_init(struct usage *usage);

/* CPU time and memory as wait4(2) gives them. */
void usage_add_rusage(struct usage *usage, const struct rusage *rusage);

/* The figures of the payload's leaf; its CPU time goes before that of rusage, as it also counts
 * what nobody has waited for. Should: be called when nothing is left in it, and before it is
 * removed. */
void usage_add_cgroup(struct usage *usage, const struct cgroup *cgroup);
