/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs at build time and prints the rows of errno-text.c: the texts of the compiling machine's
 * libc, because sbx itself may be linked with another one, and callers match what GNU's says. */
#include <stdio.h>
#include <string.h>

/* EHWPOISON, the last one of Linux (errno(3)) */
enum { LAST_ERRNO = 133 };

int main(void)
{
	for (int num = 0; num <= LAST_ERRNO; num++)
		if (strncmp(strerror(num), "Unknown error", strlen("Unknown error")) != 0)
			printf("[%d] = \"%s\",\n", num, strerror(num));
	return 0;
}
