/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* first ADDRESS PORT: a payload that connects, asks for a page, writes the moment of the answer's
 * first byte (CLOCK_REALTIME, seconds) and ends. What is between a sandbox's start and that moment
 * is the sandbox's, and hardly anything this program's. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct timespec ts;
	char byte;
	int fd;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &addr.sin_addr) != 1)
		return 2;
	addr.sin_port = htons((in_port_t)strtoul(argv[2], NULL, 10));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return 1;
	if (write(fd, request, strlen(request)) < 0 || read(fd, &byte, 1) != 1)
		return 1;
	clock_gettime(CLOCK_REALTIME, &ts);
	return printf("%lld.%09ld\n", (long long)ts.tv_sec, ts.tv_nsec) < 0;
}
