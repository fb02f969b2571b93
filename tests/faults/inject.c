/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a command line of sbx again and again: for each line of standard input, which is a fault
 * (STAGE:NAME:N:ERRNO, trace.h) or "-" for none, once. What happened comes out as the lines of
 * trace.h, leftcgroup PATH, and "done".
 *
 * usage: inject -a ARGV0 [-c CGROUP -m MOUNTPOINT] [-d FD=OPENFD] [-i FD=FILE] [-w FD=FILE]
 *        -- COMMAND ARG...
 *
 * With -c a made-up cgroup tree is there at CGROUP, below MOUNTPOINT, anew for each run.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-cgroup.h"
#include "trace.h"

/* ours are where no file of a command line's is put */
enum { MAX_FILES = 16, FIRST_OWN_FD = 100 };

struct file {
	int fd;
	const char *path;
	int open_fd; /* used where path is NULL */
	bool writable;
};

struct injector {
	struct file files[MAX_FILES];
	size_t n_files;
	const char *argv0;
	const char *cgroup; /* or NULL */
	const char *mount_point;
};

_Noreturn static void die(const char *what)
{
	perror(what);
	_exit(120);
}

static void open_files(const struct injector *injector)
{
	for (size_t i = 0; i < injector->n_files; i++) {
		const struct file *file = &injector->files[i];
		int fd = file->path ? open(file->path,
		                           file->writable ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY,
		                           0644)
		                    : dup(file->open_fd);

		if (fd < 0 || (fd != file->fd && (dup2(fd, file->fd) < 0 || close(fd) < 0)))
			die(file->path);
	}
}

static void add_file(struct injector *injector, char *arg, int opt)
{
	char *path = strchr(arg, '=');
	struct file *file = &injector->files[injector->n_files];

	if (!path || injector->n_files++ == MAX_FILES)
		die(arg);
	*path++ = '\0';
	*file = (struct file){ .fd = atoi(arg), .writable = opt == 'w' };
	if (opt != 'd') {
		file->path = path;
		return;
	}
	file->open_fd = fcntl(atoi(path), F_DUPFD_CLOEXEC, FIRST_OWN_FD);
	if (file->open_fd < 0 || close(atoi(path)) < 0)
		die(path);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) < 0)
		die(path);
}

static void write_map(const char *path, unsigned int id)
{
	char text[64];

	snprintf(text, sizeof(text), "%u %u 1", id, id);
	write_file(path, text);
}

/* Where nobody else sees what is mounted. */
static void enter_namespaces(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		die("unshare");
	write_map("/proc/self/uid_map", uid);
	write_file("/proc/self/setgroups", "deny");
	write_map("/proc/self/gid_map", gid);
}

static void make_dirs(const char *path)
{
	char *part = strdup(path);

	for (char *at = part ? strchr(part + 1, '/') : NULL; at; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(part, 0755);
		*at = '/';
	}
	free(part);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		die(path);
}

static void make_cgroup(const struct injector *injector)
{
	char path[4096];

	if (mount("cgroup", injector->mount_point, "tmpfs", 0, "mode=755") < 0)
		die(injector->mount_point);
	make_dirs(injector->cgroup);
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", injector->cgroup);
	write_file(path, "cpuset cpu io memory pids");
	fake_cgroup_fill(injector->cgroup);
}

static void drop_cgroup(const struct injector *injector)
{
	fake_cgroup_list(injector->cgroup, stdout);
	if (umount2(injector->mount_point, MNT_DETACH) < 0)
		die(injector->mount_point);
}

_Noreturn static void run_command(const struct injector *injector, char **argv, int gate_fd)
{
	const char *file = argv[0];
	char byte;

	if (read(gate_fd, &byte, 1) != 1)
		_exit(120);
	open_files(injector);
	if (injector->argv0)
		argv[0] = (char *)injector->argv0;
	execv(file, argv);
	die(file);
}

static void run(const struct injector *injector, char **argv, const struct fault *fault)
{
	int gate[2];
	pid_t pid;

	if (injector->cgroup)
		make_cgroup(injector);
	if (pipe2(gate, O_CLOEXEC) < 0)
		die("pipe2");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		run_command(injector, argv, gate[0]);
	close(gate[0]);
	if (trace_run(pid, gate[1], fault, injector->cgroup, stdout) < 0)
		die("ptrace");
	close(gate[1]);
	if (injector->cgroup)
		drop_cgroup(injector);
	if (puts("done") < 0 || fflush(stdout) != 0)
		die("standard output");
}

static void parse(struct injector *injector, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "+a:c:d:i:m:w:")) != -1) {
		switch (opt) {
		case 'a':
			injector->argv0 = optarg;
			break;
		case 'c':
			injector->cgroup = optarg;
			break;
		case 'd':
		case 'i':
		case 'w':
			add_file(injector, optarg, opt);
			break;
		case 'm':
			injector->mount_point = optarg;
			break;
		default:
			exit(120);
		}
	}
	if (!argv[optind] || !injector->cgroup != !injector->mount_point)
		exit(120);
}

int main(int argc, char **argv)
{
	struct injector injector = { 0 };
	char line[128];

	parse(&injector, argc, argv);
	if (injector.cgroup)
		enter_namespaces();
	while (fgets(line, sizeof(line), stdin)) {
		struct fault fault = { 0 };

		if (strcmp(line, "-\n") != 0 && (sscanf(line, "%15[^:]:%31[^:]:%u:%d", fault.stage,
		                                        fault.name, &fault.n, &fault.num) != 4 ||
		                                 fault.num == 0))
			die(line);
		run(&injector, argv + optind, &fault);
	}
	return 0;
}
