/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"

/* A map is taken in one write or not at all. */
static int write_file(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (n < 0)
		return -errno;
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

int idmap_become_root(uid_t uid, gid_t gid)
{
	char text[64];
	int r;

	snprintf(text, sizeof(text), "0 %u 1", uid);
	r = write_file("/proc/self/uid_map", text);
	if (r == 0)
		r = write_file("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", gid);
	return r == 0 ? write_file("/proc/self/gid_map", text) : r;
}
