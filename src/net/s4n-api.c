/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/s4n-api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "net/engine.h"
#include "net/flow.h"
#include "net/json.h"
#include "net/sockaddr.h"
#include "net/tcp.h"

enum {
	FORWARDS_MAX = 1024,
	REQUEST_MAX = 4096,
	REPLY_MAX = 512 * 1024, /* the entries are in it twice */
};

struct forward {
	unsigned int id; /* 0: a free slot */
	bool udp;
	struct net_addr host;
	struct net_addr guest;
	uint16_t host_port;
	uint16_t guest_port;
};

struct api {
	struct source source; /* first: the listener */
	unsigned int last_id;
	struct forward forwards[FORWARDS_MAX];
};

struct client {
	struct source source; /* first: the connection */
	struct api *api;
	size_t len;
	char request[REQUEST_MAX];
};

static int fail(char *reply, const char *why)
{
	return snprintf(reply, REPLY_MAX, "{\"error\":{\"desc\":\"%s\"}}", why);
}

static int get_port(const char *args, size_t len, const char *name, uint16_t *ret)
{
	size_t value_len;
	const char *value = json_member(args, len, name, &value_len);
	uint64_t port;

	if (!value || json_uint(value, value_len, UINT16_MAX, &port) < 0)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

static int get_addr(const char *args, size_t len, const char *name, struct net_addr *ret)
{
	size_t value_len;
	const char *value = json_member(args, len, name, &value_len);
	char text[NET_ADDR_MAX];

	if (!value)
		return 0;
	if (json_string(value, value_len, text, sizeof(text)) < 0)
		return -EINVAL;
	if (!*text) /* podman says nothing in this way */
		return 0;
	return net_addr_parse(text, ret) < 0 || !net_addr_is4(ret) ? -EINVAL : 0;
}

/* A bound host socket for the forward: a descriptor or -errno. */
static int bind_forward(const struct forward *forward)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_to(&forward->host, forward->host_port, &sa);
	cleanup_fd int fd =
		socket(sa.ss_family, (forward->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	if (!forward->udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&sa, len) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* Fills a forward from the request: NULL, or the name of the argument that is wrong. */
static const char *read_forward(const char *args, size_t len, struct forward *forward)
{
	char proto[8] = "";
	size_t value_len;
	const char *value = args ? json_member(args, len, "proto", &value_len) : NULL;
	struct net_addr guest = forward->guest;
	struct net_addr any;

	net_addr_parse("0.0.0.0", &any);
	if (!value || json_string(value, value_len, proto, sizeof(proto)) < 0 ||
	    (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0))
		return "proto";
	forward->udp = strcmp(proto, "udp") == 0;
	if (get_port(args, len, "host_port", &forward->host_port) < 0 || forward->host_port == 0)
		return "host_port";
	if (get_port(args, len, "guest_port", &forward->guest_port) < 0 || forward->guest_port == 0)
		return "guest_port";
	if (get_addr(args, len, "host_addr", &forward->host) < 0)
		return "host_addr";
	if (get_addr(args, len, "guest_addr", &guest) < 0 ||
	    (!net_addr_equal(&guest, &forward->guest) && !net_addr_equal(&guest, &any)))
		return "guest_addr";
	return NULL;
}

static int add_forward(struct engine *engine, struct api *api, const char *args, size_t len,
                       char *reply)
{
	struct forward forward = { .guest = engine->link.guest4 };
	struct forward *slot = api->forwards;
	const char *wrong;
	struct err err;
	int fd;
	int r;

	net_addr_parse("0.0.0.0", &forward.host);
	wrong = read_forward(args, len, &forward);
	if (wrong)
		return snprintf(
			reply, REPLY_MAX,
			"{\"error\":{\"desc\":\"bad request: add_hostfwd: bad arguments.%s\"}}",
			wrong);
	while (slot < api->forwards + FORWARDS_MAX && slot->id)
		slot++;
	fd = slot < api->forwards + FORWARDS_MAX ? bind_forward(&forward) : -1;
	if (fd < 0)
		return fail(reply, "bad request: add_hostfwd: slirp_add_hostfwd failed");
	r = forward.udp ? flows_publish(engine->flows, fd, forward.guest_port, &err)
	                : tcp_publish(engine->tcp, fd, forward.guest_port, &err);
	if (r < 0) {
		close(fd);
		return fail(reply, "bad request: add_hostfwd: slirp_add_hostfwd failed");
	}
	forward.id = ++api->last_id;
	*slot = forward;
	return snprintf(reply, REPLY_MAX, "{\"return\":{\"id\":%u}}", forward.id);
}

static int put_entries(const struct api *api, char *reply, int n, int max)
{
	bool first = true;

	for (size_t i = 0; i < FORWARDS_MAX && n < max - 512; i++) {
		const struct forward *f = &api->forwards[i];
		char host[NET_ADDR_MAX];
		char guest[NET_ADDR_MAX];

		if (!f->id)
			continue;
		net_addr_format(&f->host, host);
		net_addr_format(&f->guest, guest);
		n += snprintf(reply + n, REPLY_MAX - (size_t)n,
		              "%s{\"id\":%u,\"proto\":\"%s\",\"host_addr\":\"%s\",\"host_port\":%u,"
		              "\"guest_addr\":\"%s\",\"guest_port\":%u}",
		              first ? "" : ",", f->id, f->udp ? "udp" : "tcp", host, f->host_port,
		              guest, f->guest_port);
		first = false;
	}
	return n;
}

/* slirp4netns 1.2 has the entries at the top, and documents them inside "return" as later ones do:
 * they are in both places. */
static int list_forwards(const struct api *api, char *reply)
{
	int n = snprintf(reply, REPLY_MAX, "{\"entries\":[");

	n = put_entries(api, reply, n, REPLY_MAX / 2);
	n += snprintf(reply + n, REPLY_MAX - (size_t)n, "],\"return\":{\"entries\":[");
	n = put_entries(api, reply, n, REPLY_MAX);
	return n + snprintf(reply + n, REPLY_MAX - (size_t)n, "]}}");
}

static int remove_forward(struct engine *engine, struct api *api, const char *args, size_t len,
                          char *reply)
{
	size_t value_len;
	const char *value = args ? json_member(args, len, "id", &value_len) : NULL;
	uint64_t id;

	if (!value || json_uint(value, value_len, UINT32_MAX, &id) < 0)
		return fail(reply, "bad request: remove_hostfwd: bad arguments.id");
	for (size_t i = 0; i < FORWARDS_MAX; i++) {
		struct forward *f = &api->forwards[i];

		if (!f->id || f->id != id)
			continue;
		if (f->udp)
			flows_unpublish(engine->flows, &f->host, f->host_port);
		else
			tcp_unpublish(engine->tcp, &f->host, f->host_port);
		f->id = 0;
		return snprintf(reply, REPLY_MAX, "{\"return\":{}}");
	}
	return fail(reply, "bad request: remove_hostfwd: no such id");
}

static int answer(struct engine *engine, const struct client *client, char *reply)
{
	const char *text = client->request;
	size_t len;
	size_t args_len = 0;
	const char *value = json_member(text, client->len, "execute", &len);
	const char *args = json_member(text, client->len, "arguments", &args_len);
	char verb[32];

	if (!json_is_object(text, client->len))
		return fail(reply, client->len < REQUEST_MAX ? "bad request: cannot parse JSON"
		                                             : "bad request: too large message");
	if (!value || json_string(value, len, verb, sizeof(verb)) < 0)
		return fail(reply, "bad request: no execute found");
	if (strcmp(verb, "add_hostfwd") == 0)
		return add_forward(engine, client->api, args, args_len, reply);
	if (strcmp(verb, "list_hostfwd") == 0)
		return list_forwards(client->api, reply);
	if (strcmp(verb, "remove_hostfwd") == 0)
		return remove_forward(engine, client->api, args, args_len, reply);
	return fail(reply, "bad request: unknown execute");
}

/* Whether the request is a whole object yet: the writer may also just stop writing. */
static bool whole(const struct client *client)
{
	int depth = 0;
	bool string = false;

	for (size_t i = 0; i < client->len; i++) {
		char c = client->request[i];

		if (string && c == '\\')
			i++;
		else if (c == '"')
			string = !string;
		else if (!string && c == '{')
			depth++;
		else if (!string && c == '}' && --depth == 0)
			return true;
	}
	return false;
}

static void client_ready(struct engine *engine, struct source *source, uint32_t events)
{
	struct client *client = (struct client *)source;
	ssize_t n = recv(source->fd, client->request + client->len, REQUEST_MAX - client->len,
	                 MSG_DONTWAIT);
	char *reply;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		client->len += (size_t)n;
	if (n > 0 && !whole(client) && client->len < REQUEST_MAX)
		return;
	reply = malloc(REPLY_MAX);
	if (reply) {
		int len = answer(engine, client, reply);

		(void)!send(source->fd, reply, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
		free(reply);
	}
	engine_unwatch(engine, source);
	close(source->fd);
	free(client);
}

static void api_ready(struct engine *engine, struct source *source, uint32_t events)
{
	struct client *client;
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		return;
	}
	client->source = (struct source){ .fd = fd, .ready = client_ready };
	client->api = (struct api *)source;
	if (engine_watch(engine, &client->source, EPOLLIN) < 0) {
		close(fd);
		free(client);
	}
}

int s4n_api_listen(struct engine *engine, const char *path, struct err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct api *api;

	if (strlen(path) >= sizeof(sa.sun_path))
		return err_text(err, ENAMETOOLONG, "API socket '%s'", path);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (void *)&sa, sizeof(sa)) < 0 || listen(fd, 16) < 0)
		return err_text(err, errno, "API socket '%s'", path);
	api = calloc(1, sizeof(*api));
	if (!api)
		return err_text(err, ENOMEM, "API socket '%s'", path);
	api->source = (struct source){ .fd = steal_fd(&fd), .ready = api_ready };
	return engine_watch(engine, &api->source, EPOLLIN) < 0
	               ? err_text(err, errno, "API socket '%s'", path)
	               : 0;
}
