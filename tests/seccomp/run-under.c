/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run-under PROFILE COMMAND...: a command under one built-in profile and nothing else of sbx.
 * run-under -FD COMMAND...: the same under the BPF that FD, one digit, holds. */
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "seccomp/builtin.h"

static int load_fd(int fd, struct sock_fprog *ret)
{
	static struct sock_filter prog[BPF_MAXINSNS];
	ssize_t size = pread(fd, prog, sizeof(prog), 0);

	if (size <= 0 || (size_t)size % sizeof(prog[0]))
		return -1;
	ret->filter = prog;
	ret->len = (unsigned short)((size_t)size / sizeof(prog[0]));
	close(fd);
	return 0;
}

static int load_builtin(const char *name, struct sock_fprog *ret)
{
	const struct seccomp_builtin *builtin = seccomp_builtin_find(name);

	if (!builtin)
		return -1;
	*ret = (struct sock_fprog){ builtin->len, (struct sock_filter *)builtin->prog };
	return 0;
}

int main(int argc, char **argv)
{
	struct sock_fprog fprog;

	if (argc < 3 || (argv[1][0] == '-' ? load_fd(argv[1][1] - '0', &fprog)
	                                   : load_builtin(argv[1], &fprog)) < 0) {
		fprintf(stderr, "usage: run-under PROFILE|-FD COMMAND...\n");
		return 125;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) < 0) {
		perror("run-under: seccomp");
		return 125;
	}
	execvp(argv[2], argv + 2);
	perror("run-under: exec");
	return 127;
}
