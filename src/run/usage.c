/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/usage.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/parse.h"
#include "run/cgroup-file.h"
#include "run/cgroup.h"

void usage_init(struct usage *usage)
{
	int64_t *figures = (int64_t *)usage;

	for (size_t i = 0; i < sizeof(*usage) / sizeof(*figures); i++)
		figures[i] = USAGE_UNKNOWN;
}

static int64_t microseconds(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

void usage_add_rusage(struct usage *usage, const struct rusage *rusage)
{
	usage->cpu_user_us = microseconds(&rusage->ru_utime);
	usage->cpu_system_us = microseconds(&rusage->ru_stime);
	usage->max_rss = (int64_t)rusage->ru_maxrss * 1024;
}

static void take(int64_t *figure, int r, uint64_t value)
{
	if (r == 0 && value <= INT64_MAX)
		*figure = (int64_t)value;
}

static void read_number(int dir_fd, const char *file, int64_t *figure)
{
	char text[64];
	uint64_t value = 0;
	int r = cgroup_read(dir_fd, file, text, sizeof(text));

	if (r == 0)
		r = parse_uint(text, UINT64_MAX, &value);
	take(figure, r, value);
}

static void read_key(int dir_fd, const char *file, const char *key, int64_t *figure)
{
	uint64_t value = 0;
	int r = cgroup_read_key(dir_fd, file, key, &value);

	take(figure, r, value);
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0": microseconds (Documentation/accounting/psi.rst)
 */
static void read_pressure(int dir_fd, const char *file, const char *kind, int64_t *figure)
{
	char text[512];
	char *rest = text;
	size_t len = strlen(kind);
	uint64_t value = 0;
	int r;

	if (cgroup_read(dir_fd, file, text, sizeof(text)) < 0)
		return;
	for (char *line; (line = strsep(&rest, "\n"));) {
		const char *total = strstr(line, "total=");

		if (strncmp(line, kind, len) != 0 || line[len] != ' ' || !total)
			continue;
		r = parse_uint(total + 6, UINT64_MAX, &value);
		take(figure, r, value);
	}
}

/* Lines such as "8:0 rbytes=1 wbytes=2 rios=3 ...", one a device; none is nothing read or written.
 */
static void read_io(int dir_fd, int64_t *ret_read, int64_t *ret_write)
{
	enum { IO_STAT_MAX = 65536 };
	cleanup_free char *text = malloc(IO_STAT_MAX);
	char *rest = text;
	int64_t sums[2] = { 0, 0 };

	if (!text || cgroup_read(dir_fd, "io.stat", text, IO_STAT_MAX) < 0)
		return;
	for (char *word; (word = strsep(&rest, " \n"));) {
		uint64_t bytes;
		size_t which = word[0] == 'w';

		if (strncmp(word + 1, "bytes=", 6) != 0 || (word[0] != 'r' && !which))
			continue;
		if (parse_uint(word + 7, INT64_MAX / 2, &bytes) == 0)
			sums[which] += (int64_t)bytes;
	}
	*ret_read = sums[0];
	*ret_write = sums[1];
}

void usage_add_cgroup(struct usage *usage, const struct cgroup *cgroup)
{
	int fd = cgroup->payload_fd;

	read_key(fd, "cpu.stat", "user_usec", &usage->cpu_user_us);
	read_key(fd, "cpu.stat", "system_usec", &usage->cpu_system_us);
	read_number(fd, "memory.peak", &usage->memory_peak);
	read_number(fd, "memory.swap.peak", &usage->swap_peak);
	read_number(fd, "pids.peak", &usage->pids_peak);
	read_key(fd, "memory.events", "oom_kill", &usage->oom_kills);
	read_io(fd, &usage->io_read, &usage->io_write);
	read_pressure(fd, "cpu.pressure", "some", &usage->cpu_some_us);
	read_pressure(fd, "memory.pressure", "some", &usage->memory_some_us);
	read_pressure(fd, "memory.pressure", "full", &usage->memory_full_us);
	read_pressure(fd, "io.pressure", "some", &usage->io_some_us);
	read_pressure(fd, "io.pressure", "full", &usage->io_full_us);
}
