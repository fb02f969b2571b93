/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's filter, loaded for real: what it must do passes, what a burglar would try does not.
 */
#include "net/isolate.h"

#include "core/err.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct
try {
	const char *name;
	long nr;
	long args[6];
	int error; /* what it fails with; 0 if it is let through, however it ends then */
};

static const struct try tries[] = {
	{ "IPv4", SYS_socket, { AF_INET, SOCK_STREAM, 0 }, 0 },
	{ "IPv6", SYS_socket, { AF_INET6, SOCK_DGRAM, 0 }, 0 },
	{ "netlink", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 }, EPERM },
	{ "packet", SYS_socket, { AF_PACKET, SOCK_RAW, 0 }, EPERM },
	{ "unix", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, EPERM },
	{ "unix, with bits above an int", SYS_socket, { 1L << 32 | AF_UNIX, SOCK_STREAM }, EPERM },
	{ "pair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, 0 }, 0 },
	{ "pair of another family", SYS_socketpair, { AF_INET, SOCK_STREAM, 0, 0 }, EPERM },
	{ "FIONREAD", SYS_ioctl, { -1, FIONREAD, 0 }, 0 },
	{ "TIOCSTI", SYS_ioctl, { -1, 0x5412, 0 }, EPERM },
	{ "memory", SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE, 0x22, -1, 0 }, 0 },
	{ "code", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC, 0x22, -1, 0 }, EPERM },
	{ "memory into code", SYS_mprotect, { 0, 4096, PROT_WRITE | PROT_EXEC }, EPERM },
	{ "open", SYS_openat, { AT_FDCWD, (long)"/", O_RDONLY }, EPERM },
	{ "execute", SYS_execve, { (long)"/bin/true", 0, 0 }, EPERM },
	{ "a process", SYS_clone, { SIGCHLD, 0, 0, 0, 0 }, EPERM },
	{ "another's memory", SYS_ptrace, { PTRACE_ATTACH, 1, 0, 0 }, EPERM },
	{ "a namespace", SYS_unshare, { 0 }, EPERM },
	{ "a filter", SYS_seccomp, { 0, 0, 0 }, EPERM },
	{ "a call that is younger than the filter", 1000, { 0 }, EPERM },
};

/* In a child of its own, because there is no way back. */
static int attempt(const struct try *try)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		const long *a = try->args;
		struct err err;

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (isolate_seccomp(&err) < 0)
			_exit(255);
		_exit(syscall(try->nr, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0);
	}
	g_assert_cmpint(pid, >, 0);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_try(gconstpointer data)
{
	const struct try *try = data;
	int num = attempt(try);

	if (try->error)
		g_assert_cmpint(num, ==, try->error);
	else
		g_assert_cmpint(num, !=, EPERM);
	g_assert_cmpint(num, !=, 255);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tries); i++) {
		char *path = g_strdup_printf("/isolate/%s", tries[i].name);

		g_test_add_data_func(path, &tries[i], test_try);
		g_free(path);
	}
	return g_test_run();
}
