/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A payload that says what it was given: everything that isolates it, one fact a line, the same in
 * two runs of the same plan (no pids, no inode and device numbers). It ends with status 42, so that
 * a success is not mistaken for it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { DEPTH = 5 }; /* of the tree that is shown, unless an argument depth=N says less */

static void show_ids(void)
{
	gid_t groups[64];
	int n = getgroups(64, groups);
	struct utsname uts;
	mode_t mask = umask(0);

	umask(mask);
	printf("ids %u %u %u %u\n", getuid(), geteuid(), getgid(), getegid());
	for (int i = 0; i < n; i++)
		printf("group %u\n", groups[i]);
	printf("umask %04o\n", mask);
	printf("session %s\n", getsid(0) == getpid() ? "own" : getsid(0) ? "shared" : "outside");
	printf("pid %s\n", getpid() < 10 ? "new" : "host");
	if (uname(&uts) == 0)
		printf("host %s\n", uts.nodename);
}

static void show_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint64_t bounding = 0;
	uint64_t ambient = 0;

	if (syscall(SYS_capget, &head, data) < 0)
		printf("capget failed\n");
	for (int cap = 0; cap < 64; cap++) {
		bounding |= (uint64_t)(prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) << cap;
		ambient |= (uint64_t)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
		           << cap;
	}
	printf("caps e %08x%08x p %08x%08x i %08x%08x b %016llx a %016llx\n", data[1].effective,
	       data[0].effective, data[1].permitted, data[0].permitted, data[1].inheritable,
	       data[0].inheritable, (unsigned long long)bounding, (unsigned long long)ambient);
	printf("no_new_privs %d seccomp %d securebits %d dumpable %d\n",
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP, 0, 0, 0, 0),
	       prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void show_signals(void)
{
	sigset_t mask;
	int death = 0;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int sig = 1; sig < 32; sig++) {
		struct sigaction action;

		if (sigismember(&mask, sig) > 0)
			printf("blocked %d\n", sig);
		if (sigaction(sig, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			printf("ignored %d\n", sig);
	}
	prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
	printf("death signal %d\n", death);
}

static void show_limits(void)
{
	for (int i = 0; i < RLIMIT_NLIMITS; i++) {
		struct rlimit limit;

		if (getrlimit(i, &limit) == 0)
			printf("limit %d %llx %llx\n", i, (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
	}
}

/* The host's namespaces are told by the caller, as NAME=LINK arguments. */
static void show_namespaces(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *host = strchr(argv[i], '=');
		char path[64];
		char link[64] = "";

		if (!host || !strncmp(argv[i], "depth", 5))
			continue;
		snprintf(path, sizeof(path), "/proc/self/ns/%.*s", (int)(host - argv[i]), argv[i]);
		if (readlink(path, link, sizeof(link) - 1) < 0)
			printf("namespace %s unknown\n", path);
		else
			printf("namespace %s %s\n", path, strcmp(link, host + 1) ? "new" : "host");
	}
}

/* In a cgroup namespace the place below its root, which says whose it is. */
static void show_cgroup(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "0::", 3))
			printf("cgroup %s", line + 3);
	if (file)
		fclose(file);
}

/* Numbers of descriptors, pipes and sockets in a link's text differ from run to run. */
static void print_without_numbers(const char *text)
{
	for (; *text; text++)
		if (*text < '0' || *text > '9')
			putchar(*text);
	putchar('\n');
}

static void show_fds(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[64];
		char link[512] = "";

		if (fcntl(fd, F_GETFD) < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, link, sizeof(link) - 1) < 0)
			link[0] = '?';
		printf("fd %d flags %x ", fd, (unsigned int)fcntl(fd, F_GETFL));
		print_without_numbers(fd <= 2 ? "stdio" : link);
	}
}

struct mount {
	int id;
	int parent;
	char *point;
	char *text; /* what says nothing about ids and devices */
};

/* The numbers of the descriptors that named an overlay's layers differ. */
static void drop_fd_numbers(char *text)
{
	while ((text = strstr(text, "/fd/"))) {
		char *end = text += 4;

		while (*end >= '0' && *end <= '9')
			end++;
		memmove(text, end, strlen(end) + 1);
	}
}

/* mount(2) makes the file system read-only with the mount, fsmount(2) only the mount. */
static void drop_second_ro(char *text)
{
	char *options = strstr(text, " ro,") || strstr(text, " ro ") ? strstr(text, " - ") : NULL;
	char *word = options;

	for (int i = 0; word && i < 4; i++)
		word = strchr(word + (i > 0), ' ');
	if (word && (!strncmp(word, " ro", 3) || !strncmp(word, " rw", 3)))
		memmove(word, word + 3, strlen(word + 3) + 1);
}

static bool read_mount(FILE *file, struct mount *ret)
{
	char line[4096];
	char point[4096];
	int at = 0;

	if (!fgets(line, sizeof(line), file) ||
	    sscanf(line, "%d %d %*s %n%*s %4095s", &ret->id, &ret->parent, &at, point) < 3)
		return false;
	drop_fd_numbers(line);
	drop_second_ro(line);
	ret->point = strdup(point);
	ret->text = strdup(line + at);
	return true;
}

/* A mount that another one covers cannot be reached; the old mount calls leave it as it is. */
static bool is_covered(const struct mount *mounts, size_t n, const struct mount *mount)
{
	for (size_t i = 0; i < n; i++)
		if (mounts[i].parent == mount->id && !strcmp(mounts[i].point, mount->point))
			return true;
	return false;
}

static void show_mounts(void)
{
	static struct mount mounts[4096];
	FILE *file = fopen("/proc/self/mountinfo", "re");
	size_t n = 0;

	while (file && n < 4096 && read_mount(file, &mounts[n]))
		n++;
	for (size_t i = 0; i < n; i++)
		if (!is_covered(mounts, n, &mounts[i]))
			printf("mount %s", mounts[i].text);
	if (file)
		fclose(file);
}

static uint32_t sum_file(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	unsigned char buf[4096];
	uint32_t sum = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			sum = sum * 31 + buf[i];
	if (fd >= 0)
		close(fd);
	return fd < 0 ? (uint32_t)errno : sum;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_tree(int dirfd, const char *path, int depth);

/* The host's own trees, and what changes by itself. */
static bool is_known(const char *path)
{
	static const char *const known[] = { "/usr", "/proc", "/sys", "/etc/ssl",
		                             "/etc/alternatives" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(path, known[i]))
			return true;
	return false;
}

static void show_content(int dirfd, const char *name, off_t size)
{
	/* numbers of processes differ from run to run */
	if (!strcmp(name, "cgroup.procs"))
		printf(" %s", size ? "some" : "none");
	else if (size < 65536)
		printf(" %lld %x", (long long)size, sum_file(dirfd, name));
}

static void show_entry(int dirfd, const char *dir, const char *name, int depth)
{
	char path[4096];
	char target[4096] = "";
	struct statfs fs;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISLNK(st.st_mode) && readlinkat(dirfd, name, target, sizeof(target) - 1) < 0)
		target[0] = '?';
	printf("file %s %o %u %u %s", path, st.st_mode, st.st_uid, st.st_gid, target);
	if (S_ISREG(st.st_mode) && depth > 0)
		show_content(dirfd, name, st.st_size);
	putchar('\n');
	if (!S_ISDIR(st.st_mode) || depth == 0 || is_known(path))
		return;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		close(fd);
	else
		show_tree(fd, path, depth - 1);
}

static void show_tree(int dirfd, const char *path, int depth)
{
	DIR *dir = dirfd < 0 ? NULL : fdopendir(dirfd);
	char *names[512];
	size_t n = 0;
	struct dirent *entry;

	while (dir && n < 512 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			names[n++] = strdup(entry->d_name);
	qsort(names, n, sizeof(names[0]), compare_names);
	for (size_t i = 0; i < n; i++) {
		show_entry(dirfd, path, names[i], depth);
		free(names[i]);
	}
	if (dir)
		closedir(dir);
}

/* One without a name, so that a probe that is killed leaves nothing in what is the host's. */
static int make_file(const char *dir)
{
	char path[64];
	int fd = open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd >= 0 || errno != EOPNOTSUPP)
		return fd;
	snprintf(path, sizeof(path), "%s/.probe.%d", dir, getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* What a flag promises is tried, too: a write where the mount says ro. */
static void show_writes(void)
{
	static const char *const places[] = { "/", "/usr", "/etc", "/tmp", "/work", "/ro" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = make_file(places[i]);

		printf("write %s %s\n", places[i], fd >= 0 ? "yes" : strerror(errno));
		if (fd >= 0)
			close(fd);
	}
}

int main(int argc, char **argv)
{
	char cwd[4096];
	int depth = DEPTH;

	setvbuf(stdout, NULL, _IOFBF, 65536);
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "depth=", 6))
			depth = argv[i][6] - '0';

	printf("argv0 %s\n", argv[0]);
	show_fds();
	show_ids();
	show_caps();
	show_signals();
	show_limits();
	show_namespaces(argc, argv);
	show_cgroup();
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : strerror(errno));
	for (char **var = environ; *var; var++)
		printf("env %s\n", *var);
	show_mounts();
	show_tree(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", depth);
	show_writes();
	printf("end\n");
	return fflush(stdout) == 0 ? 42 : 43;
}
