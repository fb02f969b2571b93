/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sbx-scope: puts a sandbox's processes into a transient scope of the user's systemd.
 *
 *   sbx-scope --answer-fd FD --unit UNIT --description TEXT [--pid PID]... [--property
 * NAME=VALUE]...
 *             [--timeout-ms N] [--manager-fd FD]
 *
 * The unit is delegated as the properties say. A process of its own: sbx runs it beside the set-up,
 * and nobody else has a D-Bus connection open, or what came over one in its memory. Without --pid
 * the processes come as one message on FD, of native 32-bit numbers, and until then it gets ready.
 * FD of --manager-fd is a socket that is connected to the first address that it would try. The
 * answer is one message on FD, a SOCK_SEQPACKET socket: a letter and a text. "O" and the cgroup's
 * path; "N" and why there is no manager to ask; "E" and what went wrong. No message: it has died.
 * The exit status is 0 for "O", else 1; 2 for bad arguments.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/parse.h"
#include "scope/property.h"
#include "scope/scope.h"
#include "scope/wire.h"

enum { TIMEOUT_MS = 20000, PROPERTIES_MAX = 49152 };

static int parse_number(const char *option, const char *text, uint64_t *ret, struct err *err)
{
	if (parse_uint(text, INT_MAX, ret) == 0)
		return 0;
	return err_text(err, 0, "--%s takes a number, not '%s'", option, text);
}

static int add_pid(struct scope_request *request, const char *text, struct err *err)
{
	uint64_t pid;

	if (parse_uint(text, INT32_MAX, &pid) < 0 || pid == 0)
		return err_text(err, 0, "--pid takes a process id, not '%s'", text);
	if (request->pids_len == SCOPE_PIDS_MAX)
		return err_text(err, 0, "--pid may be given %d times", SCOPE_PIDS_MAX);
	request->pids[request->pids_len++] = (uint32_t)pid;
	return 0;
}

static int take_option(struct scope_request *request, int letter, const char *text, struct err *err)
{
	uint64_t value = 0;
	int r = 0;

	switch (letter) {
	case 'a':
		r = parse_number("answer-fd", text, &value, err);
		request->peer_fd = (int)value;
		break;
	case 'm':
		r = parse_number("manager-fd", text, &value, err);
		request->manager_fd = (int)value;
		break;
	case 'u':
		request->unit = text;
		break;
	case 'd':
		request->description = text;
		break;
	case 'p':
		r = add_pid(request, text, err);
		break;
	case 'P':
		r = property_put(&request->properties, text, err);
		break;
	case 't':
		r = parse_number("timeout-ms", text, &value, err);
		request->timeout_ms = (unsigned int)value;
		break;
	default:
		r = err_text(err, 0, "an unknown option, or one without its value");
		break;
	}
	return r;
}

static int parse_arguments(int argc, char **argv, struct scope_request *request, struct err *err)
{
	static const struct option options[] = {
		{ "answer-fd", required_argument, NULL, 'a' },
		{ "manager-fd", required_argument, NULL, 'm' },
		{ "unit", required_argument, NULL, 'u' },
		{ "description", required_argument, NULL, 'd' },
		{ "pid", required_argument, NULL, 'p' },
		{ "property", required_argument, NULL, 'P' },
		{ "timeout-ms", required_argument, NULL, 't' },
		{ 0 },
	};
	int letter, r = 0;

	opterr = 0;
	while (r == 0 && (letter = getopt_long(argc, argv, "", options, NULL)) != -1)
		r = take_option(request, letter, optarg, err);
	if (r < 0)
		return r;
	if (optind < argc || request->peer_fd < 0 || !request->unit || !request->timeout_ms)
		return err_text(err, 0, "--answer-fd and --unit are needed");
	if (!request->description)
		request->description = request->unit;
	if (!dbus_is_text(request->unit) || !dbus_is_text(request->description))
		return err_text(err, 0, "--unit and --description take UTF-8");
	if (request->properties.is_full)
		return err_text(err, 0, "the properties are more than one message can hold");
	return 0;
}

/* One message: its letter, and the text that is behind it already. */
static int answer(int fd, char letter, char *message)
{
	ssize_t n;

	message[0] = letter;
	do
		n = send(fd, message, strlen(message), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return letter == 'O' && n > 0 ? 0 : 1;
}

static int talk(struct scope_request *request, char message[1 + ERR_LINE_MAX], struct err *err)
{
	char *text = message + 1;
	enum scope_result result;

	text[0] = '\0';
	request->cgroup = text;
	request->cgroup_size = ERR_LINE_MAX;
	result = scope_start(request, err);
	if (result == SCOPE_STARTED &&
	    (text[0] || scope_cgroup_of(request->pids[0], text, ERR_LINE_MAX, err) == 0))
		return answer(request->peer_fd, 'O', message);
	err_format(err, PERSONALITY_NATIVE, text, ERR_LINE_MAX);
	return answer(request->peer_fd, result == SCOPE_NO_MANAGER ? 'N' : 'E', message);
}

int main(int argc, char **argv)
{
	cleanup_free uint8_t *properties = malloc(PROPERTIES_MAX);
	/* given back after the answer, which is waited for */
	cleanup_free struct wire *wire = malloc(sizeof(*wire));
	struct scope_request request = {
		.wire = wire,
		.properties = { .buf = properties, .size = PROPERTIES_MAX },
		.manager_fd = -1,
		.peer_fd = -1,
		.timeout_ms = TIMEOUT_MS,
	};
	struct err err;
	char message[1 + ERR_LINE_MAX];

	if (!properties || !wire)
		err_text(&err, ENOMEM, "ask systemd");
	else if (parse_arguments(argc, argv, &request, &err) == 0)
		return talk(&request, message, &err);
	err_format(&err, PERSONALITY_NATIVE, message, sizeof(message));
	fprintf(stderr, "sbx-scope: %s\n", message);
	return 2;
}
