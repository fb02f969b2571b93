/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What limits mean in the words of cgroup v2 and of systemd. */
#include "core/limits.h"

#include <glib.h>
#include <stdlib.h>
#include <sys/resource.h>

static char *files_of(const struct limits *limits)
{
	struct vec files = VEC_INIT(struct limit_file);
	GString *text = g_string_new(NULL);

	g_assert_cmpint(limits_files(limits, &files), ==, 0);
	for (size_t i = 0; i < files.len; i++) {
		const struct limit_file *file = &VEC_AT(&files, struct limit_file, i);

		g_string_append_printf(text, "%s:%s=%s;", file->controller, file->file, file->text);
	}
	limit_files_free(&files);
	return g_string_free(text, FALSE);
}

static char *properties_of(const struct limits *limits)
{
	struct vec properties = VEC_INIT(char *);
	GString *text = g_string_new(NULL);

	g_assert_cmpint(limits_properties(limits, &properties), ==, 0);
	for (size_t i = 0; i < properties.len; i++) {
		g_string_append_printf(text, "%s;", VEC_AT(&properties, char *, i));
		free(VEC_AT(&properties, char *, i));
	}
	vec_free(&properties);
	return g_string_free(text, FALSE);
}

static void check(struct limits *limits, const char *files, const char *properties)
{
	g_autofree char *got_files = files_of(limits);
	g_autofree char *got_properties = properties_of(limits);

	g_assert_cmpstr(got_files, ==, files);
	g_assert_cmpstr(got_properties, ==, properties);
	limits_free(limits);
}

static void test_nothing(void)
{
	struct limits limits;

	limits_init(&limits);
	g_assert_false(limits_need_cgroup(&limits));
	check(&limits, "", "Slice=app.slice;Delegate=yes;DelegateControllers=;");
}

/* A limit of the memory is one of the swap space, too: it could be evaded otherwise. */
static void test_memory(void)
{
	struct limits limits;

	limits_init(&limits);
	limits.memory = (struct amount){ AMOUNT_BYTES, 1000 << 20 };
	g_assert_true(limits_need_cgroup(&limits));
	check(&limits,
	      "memory:memory.swap.max=0;memory:memory.max=1048576000;memory:memory.oom.group=1;",
	      "MemoryMax=1115684864;MemorySwapMax=0;Slice=app.slice;"
	      "Delegate=yes;DelegateControllers=;DelegateControllers=memory;");
}

static void test_memory_swap(void)
{
	struct limits limits;

	limits_init(&limits);
	limits.memory_total = UINT64_C(1) << 30;
	limits.memory = (struct amount){ AMOUNT_PERCENT, 2500 };
	limits.memory_high = (struct amount){ AMOUNT_PERCENT, 1 };
	limits.memory_swap = (struct amount){ AMOUNT_MAX, 0 };
	check(&limits,
	      "memory:memory.swap.max=max;memory:memory.high=107374;memory:memory.max=268435456;"
	      "memory:memory.oom.group=1;",
	      "MemoryHigh=67216238;MemoryMax=335544320;MemorySwapMax=infinity;Slice=app.slice;"
	      "Delegate=yes;DelegateControllers=;DelegateControllers=memory;");
}

/* The largest amount does not wrap around when the helpers' share is added. */
static void test_memory_huge(void)
{
	struct limits limits;

	limits_init(&limits);
	limits.memory_swap = (struct amount){ AMOUNT_BYTES, INT64_MAX };
	limits.memory_high = (struct amount){ AMOUNT_BYTES, INT64_MAX };
	check(&limits,
	      "memory:memory.swap.max=9223372036854775807;memory:memory.high=9223372036854775807;",
	      "MemoryHigh=9223372036854775807;MemorySwapMax=9223372036854775807;Slice=app.slice;"
	      "Delegate=yes;DelegateControllers=;DelegateControllers=memory;");
}

static void test_cpu(void)
{
	struct limits limits;

	limits_init(&limits);
	limits.cpus = 10000;
	limits.cpu_weight = 1;
	limits.cpuset_cpus = "0-3,7";
	limits.cpuset_mems = "0";
	limits.slice = "work.slice";
	check(&limits,
	      "cpuset:cpuset.cpus=0-3,7;cpuset:cpuset.mems=0;cpu:cpu.max=1000 100000;"
	      "cpu:cpu.weight=1;",
	      "Slice=work.slice;CPUQuotaPerSecUSec=510000;CPUWeight=1;AllowedCPUs=0-3,7;"
	      "AllowedMemoryNodes=0;"
	      "Delegate=yes;DelegateControllers=;DelegateControllers=cpuset cpu;");
}

static void test_pids_and_io(void)
{
	static const struct io_limit devices[] = {
		{ .kind = IO_READ_BPS,
		  .device = "/dev/sda",
		  .dev = { 8, 0 },
		  .known = true,
		  .rate = 7 },
		{ .kind = IO_WRITE_IOPS,
		  .device = "8:16",
		  .dev = { 8, 16 },
		  .known = true,
		  .rate = 9 },
	};
	struct limits limits;

	limits_init(&limits);
	limits.pids = 64;
	limits.io_weight = 10000;
	for (size_t i = 0; i < G_N_ELEMENTS(devices); i++)
		g_assert_cmpint(vec_add(&limits.io, &devices[i]), ==, 0);
	/* systemd takes paths only; the leaf is what enforces */
	check(&limits,
	      "pids:pids.max=64;io:io.weight=default 10000;io:io.max=8:0 rbps=7;"
	      "io:io.max=8:16 wiops=9;",
	      "Slice=app.slice;TasksMax=80;IOWeight=10000;IOReadBandwidthMax=/dev/sda 7;"
	      "Delegate=yes;DelegateControllers=;DelegateControllers=pids io;");
}

/* Figures are wanted of every controller, and a payload may want any. */
static void test_measured(void)
{
	struct limits limits;

	limits_init(&limits);
	limits.measured = true;
	limits.pids = 64;
	check(&limits, "pids:pids.max=64;", "Slice=app.slice;TasksMax=80;Delegate=yes;");
}

static void test_need(void)
{
	struct limits limits;
	static const struct ulimit files = { RLIMIT_NOFILE, 10, 10 };

	limits_init(&limits);
	limits.timeout_ns = 1;
	limits.name = "x";
	g_assert_cmpint(vec_add(&limits.ulimits, &files), ==, 0);
	g_assert_false(limits_need_cgroup(&limits));
	limits.choice = CGROUP_CGROUPFS;
	g_assert_true(limits_need_cgroup(&limits));
	limits.choice = CGROUP_NONE;
	g_assert_false(limits_need_cgroup(&limits));
	limits.delegate = true;
	g_assert_true(limits_need_cgroup(&limits));
	limits_free(&limits);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/limits/nothing", test_nothing);
	g_test_add_func("/limits/memory", test_memory);
	g_test_add_func("/limits/memory-swap", test_memory_swap);
	g_test_add_func("/limits/memory-huge", test_memory_huge);
	g_test_add_func("/limits/cpu", test_cpu);
	g_test_add_func("/limits/pids-and-io", test_pids_and_io);
	g_test_add_func("/limits/measured", test_measured);
	g_test_add_func("/limits/need", test_need);
	return g_test_run();
}
