/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a cgroup: everything in it dies, and the directories go. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/parse.h"
#include "run/cgroup-file.h"
#include "run/cgroup.h"

enum { KILL_ROUNDS = 100, EMPTY_MS = 10000 };

static DIR *open_list(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static bool is_child(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

static int open_child(int dir_fd, const char *name)
{
	return openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void kill_below(int dir_fd);

static void kill_listed(int dir_fd)
{
	int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *list = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[32];

	kill_below(dir_fd);
	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while (fgets(line, sizeof(line), list)) {
		uint64_t pid;

		line[strcspn(line, "\n")] = '\0';
		if (parse_uint(line, INT32_MAX, &pid) == 0 && pid > 0)
			(void)kill((pid_t)pid, SIGKILL);
	}
	fclose(list);
}

static void kill_below(int dir_fd)
{
	DIR *dir = open_list(dir_fd);

	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		cleanup_fd int child = is_child(entry) ? open_child(dir_fd, entry->d_name) : -1;

		if (child >= 0)
			kill_listed(child);
	}
	if (dir)
		closedir(dir);
}

static bool is_populated(int dir_fd)
{
	uint64_t populated;

	return cgroup_read_key(dir_fd, "cgroup.events", "populated", &populated) == 0 && populated;
}

/* cgroup.kill came with Linux 5.14. Before it, round after round: a fork bomb is frozen first, so
 * that it can't outrun the list. */
static int kill_by_list(int dir_fd)
{
	for (int i = 0; i < KILL_ROUNDS && is_populated(dir_fd); i++) {
		(void)cgroup_write(dir_fd, "cgroup.freeze", "1");
		kill_listed(dir_fd);
		(void)cgroup_write(dir_fd, "cgroup.freeze", "0");
		(void)cgroup_wait_empty(dir_fd, 10);
	}
	return is_populated(dir_fd) ? -EBUSY : 0;
}

int cgroup_kill(int dir_fd)
{
	int r = cgroup_write(dir_fd, "cgroup.kill", "1");

	return r == -ENOENT ? kill_by_list(dir_fd) : r;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int cgroup_wait_empty(int dir_fd, int ms)
{
	cleanup_fd int fd = openat(dir_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int64_t end = now_ms() + ms;

	if (fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLPRI };
		char buf[256];
		ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);
		int64_t left = end - now_ms();

		if (n < 0)
			return -errno;
		buf[n] = '\0';
		if (strstr(buf, "populated 0"))
			return 0;
		if (left <= 0)
			return -ETIME;
		if (poll(&wait, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}

/* Removes the children that have none themselves, and counts them. The first of the others comes
 * back open, or -1. What is removed meanwhile disturbs nothing: kernfs goes on at the hash of a
 * name. */
static int remove_leaves(int dir_fd, unsigned int *removed)
{
	DIR *dir = open_list(dir_fd);
	int other = -1;

	*removed = 0;
	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		if (!is_child(entry))
			continue;
		if (unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR) == 0)
			(*removed)++;
		else if (other < 0)
			other = open_child(dir_fd, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return other;
}

/* The payload may have made a tree deeper than there are descriptors or memory for, so nothing is
 * kept of the way down: it is there to go back by. */
static void remove_below(int base_fd)
{
	cleanup_fd int at = openat(base_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned int depth = 0;
	bool back = false;

	while (at >= 0) {
		unsigned int removed;
		int next = remove_leaves(at, &removed);

		/* where we come from is empty, and stays there: somebody is still in it */
		if (back && removed == 0) {
			if (next >= 0)
				close(next);
			return;
		}
		back = next < 0;
		if (back && depth-- == 0)
			return;
		if (back)
			next = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		else
			depth++;
		close(at);
		at = next;
	}
}

int cgroup_destroy(const struct cgroup *cgroup)
{
	cleanup_fd int parent_fd = -1;
	const char *name = strrchr(cgroup->path, '/');

	if (cgroup->payload_fd >= 0)
		(void)cgroup_kill(cgroup->payload_fd);
	(void)cgroup_kill(cgroup->base_fd);
	if (!cgroup->ours)
		return 0;
	(void)cgroup_wait_empty(cgroup->base_fd, EMPTY_MS);
	parent_fd = openat(cgroup->base_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	remove_below(cgroup->base_fd);
	return unlinkat(parent_fd, name + 1, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}
