/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"

static int sys_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

static int sys_move_mount(int from_fd, int to_fd)
{
	return (int)syscall(SYS_move_mount, from_fd, "", to_fd, "",
	                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static int move_to(int from_fd, const struct dest *dest)
{
	if (dest->fd >= 0)
		return sys_move_mount(from_fd, dest->fd);
	return (int)syscall(SYS_move_mount, from_fd, "", dest->dir_fd, dest->name,
	                    MOVE_MOUNT_F_EMPTY_PATH);
}

static int sys_mount_setattr(int fd, unsigned int flags, uint64_t attrs, unsigned long propagation)
{
	struct mount_attr attr = { .attr_set = attrs, .propagation = propagation };

	return (int)syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH, &attr, sizeof(attr));
}

static int sys_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static int sys_fsconfig(int fd, unsigned int cmd, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, 0);
}

static int sys_fsmount(int fd, uint64_t attrs)
{
	return (int)syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, (unsigned int)attrs);
}

/* A call that exists answers "bad descriptor", or "invalid flags" where it takes none; one that
 * does not, or that a filter of a container runtime takes away, answers ENOSYS or EPERM. */
void mount_probe(struct root *root, bool force_old)
{
	root->has_mount_api =
		!force_old && sys_open_tree(-1, "", OPEN_TREE_CLONE | AT_EMPTY_PATH) < 0 &&
		errno == EBADF && sys_mount_setattr(-1, 0, MOUNT_ATTR_RDONLY, 0) < 0 &&
		errno == EBADF && sys_move_mount(-1, -1) < 0 && errno == EBADF &&
		sys_fsmount(-1, 0) < 0 && errno == EBADF &&
		syscall(SYS_fsopen, NULL, ~FSOPEN_CLOEXEC) < 0 && errno == EINVAL;
}

void fd_path(int fd, char ret_path[FD_PATH_MAX])
{
	snprintf(ret_path, FD_PATH_MAX, "/proc/self/fd/%d", fd);
}

int mount_bind(int src_fd, const char *src, const struct dest *dest, uint64_t attrs,
               struct err *err)
{
	cleanup_fd int tree = -1;

	if (!dest->root->has_mount_api)
		return mount_old_bind(src_fd, src, dest, attrs, err);
	tree = sys_open_tree(src_fd, "",
	                     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (tree < 0)
		return err_step(err, STEP_BIND, errno, src, dest->path);
	if (sys_mount_setattr(tree, AT_RECURSIVE, attrs, dest->cut_off ? MS_PRIVATE : 0) < 0)
		return err_step(err, STEP_BIND_FLAGS, errno, src, dest->path);
	if (move_to(tree, dest) < 0)
		return err_step(err, STEP_BIND, errno, src, dest->path);
	return steal_fd(&tree);
}

int mount_bind_name(const char *src, int dirfd, const char *name, uint64_t attrs, struct err *err)
{
	cleanup_fd int tree =
		sys_open_tree(AT_FDCWD, src, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (tree < 0)
		return err_step(err, STEP_SOURCE, errno, src, NULL);
	if (sys_mount_setattr(tree, AT_RECURSIVE, attrs, 0) < 0)
		return err_step(err, STEP_BIND_FLAGS, errno, src, name);
	if (syscall(SYS_move_mount, tree, "", dirfd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_step(err, STEP_BIND, errno, src, name);
	return 0;
}

static int make_fs(const struct mount_new *new)
{
	cleanup_fd int fs = sys_fsopen(new->type);
	int fd;

	/* the source is only a name, but mount(8) and df(1) show it */
	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", new->type) < 0)
		return -errno;
	for (const struct mount_option *option = new->options; option && option->key; option++)
		if (sys_fsconfig(fs, option->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
		                 option->key, option->value) < 0)
			return -errno;
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -errno;
	fd = sys_fsmount(fs, new->attrs);
	return fd >= 0 ? fd : -errno;
}

int mount_new(const struct mount_new *new, const struct dest *dest, struct err *err)
{
	int fd;

	if (!dest->root->has_mount_api)
		return mount_old_new(new, dest, err);
	fd = make_fs(new);
	if (fd < 0)
		return err_step(err, new->step, -fd, dest->path, NULL);
	if (move_to(fd, dest) < 0) {
		int num = errno;

		close(fd);
		return err_step(err, new->step, num, dest->path, NULL);
	}
	return fd;
}

int mount_propagation(const struct root *root, int fd, unsigned long type)
{
	char path[FD_PATH_MAX];

	if (root->has_mount_api)
		return sys_mount_setattr(fd, 0, 0, type) < 0 ? -errno : 0;
	fd_path(fd, path);
	return mount(NULL, path, NULL, type, NULL) < 0 ? -errno : 0;
}

int mount_restrict(const struct root *root, int fd, uint64_t attrs)
{
	if (!root->has_mount_api)
		return mount_old_restrict(fd, attrs);
	return sys_mount_setattr(fd, 0, attrs, 0) < 0 ? -errno : 0;
}
