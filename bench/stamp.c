/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A payload that does nothing but write the moment (CLOCK_MONOTONIC, nanoseconds) and end: what
 * came before is the start of a sandbox, what comes after is its end. See pair.c, -m. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec ts;
	char text[48];
	int len;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	len = snprintf(text, sizeof(text), "%lld%09ld", (long long)ts.tv_sec, ts.tv_nsec);
	_exit(write(STDOUT_FILENO, text, (size_t)len) == len ? 0 : 1);
}
