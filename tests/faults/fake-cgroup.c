/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-cgroup.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static const struct {
	const char *name;
	const char *text;
} files[] = {
	{ "cgroup.controllers", "cpuset cpu io memory pids\n" },
	{ "cgroup.events", "populated 0\nfrozen 0\n" },
	{ "cgroup.freeze", "" },
	{ "cgroup.kill", "" },
	{ "cgroup.procs", "" },
	{ "cgroup.subtree_control", "" },
	{ "cpu.max", "" },
	{ "cpu.stat", "usage_usec 5\nuser_usec 3\nsystem_usec 2\n" },
	{ "cpu.weight", "" },
	{ "io.stat", "" },
	{ "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n" },
	{ "memory.high", "" },
	{ "memory.max", "" },
	{ "memory.oom.group", "" },
	{ "memory.peak", "4096\n" },
	{ "memory.swap.max", "" },
	{ "pids.max", "" },
	{ "pids.peak", "2\n" },
};
enum { N_FILES = sizeof(files) / sizeof(files[0]) };

static void fill_one(const char *dir)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < N_FILES; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%.3000s/%s", dir, files[i].name);
		file = fopen(path, "wxe");
		if (!file)
			return;
		fputs(files[i].text, file);
		fclose(file);
	}
}

typedef void dir_fn(const char *dir, void *arg);

static void for_each_child(const char *dir, dir_fn *fn, void *arg)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		char path[PATH_MAX];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.3000s/%s", dir, entry->d_name);
		fn(path, arg);
	}
	if (stream)
		closedir(stream);
}

static void fill(const char *dir, void *arg)
{
	fill_one(dir);
	for_each_child(dir, fill, arg);
}

void fake_cgroup_fill(const char *dir)
{
	fill(dir, NULL);
}

void fake_cgroup_before_rmdir(const char *dir, pid_t pid, int fd, unsigned long name)
{
	char link[64];
	char path[PATH_MAX] = "";
	char text[256] = "";
	struct iovec to = { text, sizeof(text) - 1 };
	struct iovec from = { (void *)name, sizeof(text) - 1 };
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
	len = readlink(link, path, sizeof(path) - sizeof(text) - 64);
	if (len < 0 || process_vm_readv(pid, &to, 1, &from, 1, 0) <= 0 ||
	    strncmp(path, dir, strlen(dir)) != 0)
		return;
	for (size_t i = 0; i < N_FILES; i++) {
		snprintf(path + len, sizeof(path) - (size_t)len, "/%s/%s", text, files[i].name);
		(void)unlink(path);
	}
}

static void list(const char *dir, void *arg)
{
	fprintf(arg, "leftcgroup %s\n", dir);
	for_each_child(dir, list, arg);
}

void fake_cgroup_list(const char *dir, FILE *log)
{
	for_each_child(dir, list, log);
}
