/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor: the least that a C program can do for the isolation of
 * "sbx --ro-bind /usr /usr --unshare-all COMMAND". One clone3(2) with all namespaces, the id map, a
 * tmpfs as root, one recursive read-only bind of /usr with the links that programs need, a procfs,
 * pivot_root(2), execve(2). It closes nothing, drops nothing, reaps nothing and explains nothing:
 * it is a limit to measure against and no sandbox. usage: floor COMMAND [ARGUMENT...]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	dprintf(STDERR_FILENO, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void check(long r, const char *what)
{
	if (r < 0)
		die(what);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	check(fd, path);
	check(write(fd, text, strlen(text)), path);
	close(fd);
}

static void map_ids(unsigned int uid, unsigned int gid)
{
	char line[32];

	write_file("/proc/self/setgroups", "deny");
	snprintf(line, sizeof(line), "0 %u 1", uid);
	write_file("/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "0 %u 1", gid);
	write_file("/proc/self/gid_map", line);
}

static int new_mount(const char *type, unsigned int attrs)
{
	int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int fd;

	check(fs, type);
	check(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
	fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attrs);
	check(fd, type);
	close(fs);
	return fd;
}

static void attach(int tree, int dirfd, const char *path)
{
	check(syscall(SYS_move_mount, tree, "", dirfd, path, MOVE_MOUNT_F_EMPTY_PATH), path);
	close(tree);
}

static void build_root(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
		                               MOUNT_ATTR_NODEV };
	const unsigned int tree_flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
	int usr = (int)syscall(SYS_open_tree, AT_FDCWD, "/usr", tree_flags);
	int root = new_mount("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

	check(usr, "/usr");
	check(syscall(SYS_mount_setattr, usr, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
	              sizeof(attr)),
	      "mount_setattr");
	check(syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "/");
	check(fchdir(root), "fchdir");
	check(mkdir("usr", 0755), "usr");
	attach(usr, AT_FDCWD, "usr");
	check(symlink("usr/bin", "bin"), "bin");
	check(symlink("usr/lib", "lib"), "lib");
	check(symlink("usr/lib64", "lib64"), "lib64");
	check(mkdir("proc", 0755), "proc");
	attach(new_mount("proc", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC),
	       AT_FDCWD, "proc");
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount2");
}

int main(int argc, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		         CLONE_NEWUTS | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	unsigned int uid = getuid();
	unsigned int gid = getgid();
	int status;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: floor COMMAND [ARGUMENT...]\n");
		return 125;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0) {
		map_ids(uid, gid);
		build_root();
		execvp(argv[1], argv + 1);
		die(argv[1]);
	}
	check(waitpid(pid, &status, 0), "waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
