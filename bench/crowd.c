/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host with many mounts: in a user and a mount namespace of its own, with the ids kept, binds an
 * empty directory N times and executes the command. Nothing of it is seen outside, and all of it
 * goes with the command. usage: crowd N DIRECTORY COMMAND [ARGUMENT...] */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	return 125;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

static int keep_ids(unsigned int uid, unsigned int gid)
{
	char line[48];

	if (write_file("/proc/self/setgroups", "deny") < 0)
		return -1;
	snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	if (write_file("/proc/self/uid_map", line) < 0)
		return -1;
	snprintf(line, sizeof(line), "%u %u 1", gid, gid);
	return write_file("/proc/self/gid_map", line);
}

static int mount_all(long n, const char *dir)
{
	char path[32];

	if (mount("crowd", dir, "tmpfs", 0, NULL) < 0 || chdir(dir) < 0)
		return -1;
	for (long i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%ld", i);
		if (mkdir(path, 0755) < 0 || mount(path, path, NULL, MS_BIND, NULL) < 0)
			return -1;
	}
	return chdir("/");
}

int main(int argc, char **argv)
{
	unsigned int uid = getuid();
	unsigned int gid = getgid();
	long n = argc > 3 ? strtol(argv[1], NULL, 10) : 0;

	if (n < 1) {
		fprintf(stderr, "usage: crowd N DIRECTORY COMMAND [ARGUMENT...]\n");
		return 125;
	}
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return fail("unshare");
	if (keep_ids(uid, gid) < 0)
		return fail("id map");
	if (mount_all(n, argv[2]) < 0)
		return fail(argv[2]);
	execvp(argv[3], argv + 3);
	return fail(argv[3]);
}
