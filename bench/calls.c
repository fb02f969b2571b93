/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A payload that makes many system calls: what a filter adds to each of them is the difference of
 * two runs. usage: calls NUMBER; writes the nanoseconds that one call took. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	struct timespec begin;
	struct timespec end;

	if (n < 1) {
		fprintf(stderr, "usage: calls NUMBER\n");
		return 125;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (long i = 0; i < n; i++)
		if (syscall(SYS_fcntl, -1, 0) >= 0 || errno != EBADF)
			return 1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.1f\n",
	       ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
	               (double)n);
	return 0;
}
