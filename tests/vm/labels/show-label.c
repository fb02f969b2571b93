/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints a file's SELinux label, which busybox can't. */
#include <stdio.h>
#include <sys/xattr.h>

int main(int argc, char **argv)
{
	char label[256];
	ssize_t n = argc == 2 ? lgetxattr(argv[1], "security.selinux", label, sizeof(label)) : -1;

	if (n < 0) {
		perror(argv[argc - 1]);
		return 1;
	}
	/* with its end, or without */
	printf("%.*s\n", (int)n, label);
	return 0;
}
