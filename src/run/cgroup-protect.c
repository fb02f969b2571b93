/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/cgroup-protect.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "run/cgroup-file.h"

/* A remount of a bind must name the flags that are there already, or it would drop them, which it
 * may not (mount_namespaces(7), locked flags). */
static int make_read_only(const char *point, struct err *err)
{
	static const struct {
		unsigned long has, keep;
	} flags[] = {
		{ ST_NOSUID, MS_NOSUID },         { ST_NODEV, MS_NODEV },
		{ ST_NOEXEC, MS_NOEXEC },         { ST_NOATIME, MS_NOATIME },
		{ ST_NODIRATIME, MS_NODIRATIME }, { ST_RELATIME, MS_RELATIME },
	};
	unsigned long keep = MS_REMOUNT | MS_BIND | MS_RDONLY;
	struct statvfs st;

	if (statvfs(point, &st) < 0) {
		/* under another mount, where nobody can reach it */
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return err_step(err, STEP_REMOUNT_RO, errno, point, NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		keep |= (st.f_flag & flags[i].has) ? flags[i].keep : 0;
	/* EINVAL: the mount is covered by another one, which has its own line */
	if (mount(NULL, point, NULL, keep, NULL) < 0 && errno != EINVAL)
		return err_step(err, STEP_REMOUNT_RO, errno, point, NULL);
	return 0;
}

int cgroup_protect_mounts(int proc_fd, struct err *err)
{
	cleanup_free char *line = NULL;
	size_t size = 0;
	int r = 0;
	int fd = openat(proc_fd, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file)
		return err_text(err, errno, "find the mounts of the cgroup tree");
	while (r == 0 && getline(&line, &size, file) > 0) {
		struct cgroup_mount mount;

		if (cgroup_parse_mount(line, &mount))
			r = make_read_only(mount.point, err);
	}
	/* a tree that was not read to its end may hide one */
	if (r == 0 && ferror(file))
		r = err_text(err, errno, "find the mounts of the cgroup tree");
	fclose(file);
	return r;
}

/* mount(2) refuses a file system on the place where it is mounted already, whatever part of it the
 * two show; move_mount(2), of Linux 5.2, does not. Returns 0, or -1 with errno set. */
static int mount_tree(const char *place)
{
	const unsigned int attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	cleanup_fd int fs_fd = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
	cleanup_fd int mount_fd = -1;

	if (fs_fd < 0 && errno == ENOSYS)
		return mount("cgroup2", place, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (fs_fd < 0 || syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	mount_fd = (int)syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attrs);
	if (mount_fd < 0)
		return -1;
	return (int)syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH);
}

int cgroup_mount_own(struct err *err)
{
	static const char *const parents[] = { "/sys", "/sys/fs", "/sys/fs/cgroup" };
	const char *place = parents[ARRAY_LEN(parents) - 1];

	for (size_t i = 0; i < ARRAY_LEN(parents); i++) {
		if (mkdir(parents[i], 0755) < 0 && errno != EEXIST)
			return err_step(err, STEP_MKDIR, errno, parents[i], NULL);
	}
	if (mount_tree(place) < 0)
		return err_text(err, errno, "mount the cgroup tree on '%s'", place);
	return 0;
}
