/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's name servers change when it moves. We cannot read its files, so its monitor is asked,
 * while there is something to look up and not more often than that. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/config.h"
#include "net/dns-private.h"
#include "net/dns.h"
#include "net/engine.h"
#include "net/sys.h"

enum { ASK_EVERY_MS = 2000 };

/* "dns" and an address a line. A file that is just being replaced has none: those of before stay.
 */
static void take_servers(struct dns *dns, char *text)
{
	struct net_addr servers[NET_DNS_MAX];
	size_t count = 0;
	char *line = strsep(&text, "\n");

	if (strcmp(line, "dns") != 0)
		return;
	while (count < NET_DNS_MAX && (line = strsep(&text, "\n"))) {
		if (net_addr_parse(line, &servers[count]) == 0)
			count++;
	}
	if (!count)
		return;
	memcpy(dns->servers, servers, sizeof(servers));
	dns->servers_count = count;
}

static void answer_ready(struct engine *engine, struct source *source, uint32_t events)
{
	char text[1024];
	ssize_t n = recv(source->fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	(void)events;
	if (n > 0) {
		text[n] = '\0';
		take_servers(engine->dns, text);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	engine_unwatch(engine, source);
	close(source->fd);
	source->fd = 0;
}

int dns_follow(struct dns *dns, int fd)
{
	dns->ask = (struct source){ .fd = fd, .ready = answer_ready };
	return engine_watch(dns->engine, &dns->ask, EPOLLIN);
}

void dns_ask_servers(struct dns *dns)
{
	int64_t now = clock_ms();

	if (dns->ask.fd <= 0 || now < dns->ask_next)
		return;
	dns->ask_next = now + ASK_EVERY_MS;
	(void)!send(dns->ask.fd, "?", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}
