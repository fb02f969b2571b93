/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/resolvers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "core/cleanup.h"
#include "core/host.h"
#include "core/parse-net.h"

size_t resolvers_read(struct net_addr *ret, size_t max)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	cleanup_free char *line = NULL;
	size_t room = 0;
	size_t n = 0;

	while (file && n < max && getline(&line, &room, file) > 0)
		n += net_resolv_servers(line, ret + n, max - n);
	if (file)
		fclose(file);
	return n;
}

int resolvers_answer(int sock, int flags)
{
	struct net_addr servers[HOST_DNS_MAX];
	char text[HOST_DNS_MAX * (NET_ADDR_MAX + 1) + 8] = "dns\n";
	char *end = text + strlen(text);
	char byte;
	ssize_t n = recv(sock, &byte, 1, flags);
	size_t count;

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return -EPIPE;
	if (n < 0)
		return 0;
	count = resolvers_read(servers, HOST_DNS_MAX);
	for (size_t i = 0; i < count; i++) {
		net_addr_format(&servers[i], end);
		end += strlen(end);
		*end++ = '\n';
	}
	/* a helper that does not read what it asked for goes without */
	(void)!send(sock, text, (size_t)(end - text), MSG_DONTWAIT | MSG_NOSIGNAL);
	return 1;
}
