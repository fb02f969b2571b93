/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "net/config.h"
#include "run/fdpass.h"

struct message {
	size_t len;
	size_t fds_count;
	int fds[FDPASS_MAX];
	char text[NET_CONFIG_MAX + 1];
};

static void message_free(struct message **message)
{
	for (size_t i = 0; *message && i < (*message)->fds_count; i++) {
		if ((*message)->fds[i] >= 0)
			close((*message)->fds[i]);
	}
	free(*message);
}

static int receive(int fd, struct message *message, struct err *err)
{
	struct fdpass pass = { message->text, NET_CONFIG_MAX, message->fds, FDPASS_MAX };
	ssize_t n = fdpass_receive(fd, 0, &pass);

	if (n < 0)
		return err_text(err, (int)-n, "network helper: read from its starter");
	if (n == 0)
		return err_text(err, EPIPE, "network helper: its starter has gone");
	message->fds_count = pass.n_fds;
	message->len = (size_t)n;
	message->text[n] = '\0';
	return 0;
}

/* Takes a message's lines: 1 when the configuration is complete, 0 when more is to come. */
static int take_lines(struct message *message, struct net_config *config, struct err *err)
{
	char *rest = message->text;
	char *line = strsep(&rest, "\n");

	if (strcmp(line, "config") != 0)
		return err_text(err, EPROTO, "network helper: expected a configuration");
	while ((line = strsep(&rest, "\n"))) {
		int r;

		if (strcmp(line, "end") == 0)
			return 1;
		if (!*line)
			continue;
		r = net_config_line(config, line, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int control_read_config(int fd, struct net_config *config, struct err *err)
{
	int r = 0;

	while (r == 0) {
		__attribute__((cleanup(message_free))) struct message *message =
			calloc(1, sizeof(*message));

		if (!message)
			return err_text(err, ENOMEM, "network helper");
		r = receive(fd, message, err);
		if (r == 0)
			r = take_lines(message, config, err);
		if (r < 0)
			return r;
		for (size_t i = 0; i < message->fds_count; i++) {
			if (net_config_fd(config, message->fds[i]) < 0)
				return err_text(err, EPROTO,
				                "network helper: a descriptor too many");
			message->fds[i] = -1;
		}
	}
	if (!net_config_complete(config))
		return err_text(err, EPROTO, "network helper: a descriptor is missing");
	return 0;
}

int control_read_tap(int fd, int *fds, int max, struct err *err)
{
	__attribute__((cleanup(message_free))) struct message *message =
		calloc(1, sizeof(*message));
	int r;

	if (!message)
		return err_text(err, ENOMEM, "network helper");
	r = receive(fd, message, err);
	if (r < 0)
		return r;
	if (strcmp(message->text, "tap\n") != 0 || message->fds_count < 1 ||
	    message->fds_count > (size_t)max)
		return err_text(err, EPROTO, "network helper: expected a tap");
	r = (int)message->fds_count;
	memcpy(fds, message->fds, message->fds_count * sizeof(int));
	message->fds_count = 0;
	return r;
}

int control_ready(int fd, struct err *err)
{
	static const char text[] = "ready\n";

	if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
		return err_text(err, errno, "network helper: answer its starter");
	return 0;
}

void control_error(int fd, const struct err *err)
{
	enum { HEAD_MAX = 32 };
	char text[HEAD_MAX + ERR_LINE_MAX + 1];
	size_t len = (size_t)snprintf(text, HEAD_MAX, "error %d ", err->num);

	err_format(err, PERSONALITY_NATIVE, text + len, ERR_LINE_MAX);
	len = strlen(text);
	text[len++] = '\n';
	(void)!send(fd, text, len, MSG_NOSIGNAL);
}
