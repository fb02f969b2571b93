/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sbx-scope: puts a sandbox's processes into a transient scope of the user's systemd.
 *
 *   sbx-scope --answer-fd FD --unit UNIT --description TEXT [--pid PID]... [--property
 * NAME=VALUE]...
 *             [--timeout-ms N]
 *
 * A process of its own, because loading GIO costs more than all the rest of a start, and because it
 * may start threads, after which unshare(CLONE_NEWUSER) fails: sbx runs it beside the set-up.
 * Without --pid the processes come as one message on FD, of native 32-bit numbers, and until then
 * it gets ready. The answer is one message on FD, a SOCK_SEQPACKET socket: a letter and a text. "O"
 * and the cgroup's path; "N" and why there is no manager to ask; "E" and what went wrong. No
 * message: it has died. The exit status is 0 for "O", else 1; 2 for bad arguments.
 */
#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/parse.h"
#include "scope/property.h"
#include "scope/scope.h"

enum { TIMEOUT_MS = 20000 };

struct arguments {
	int fd;
	char *unit, *description;
	char **properties, **pids;
	int timeout_ms;
};

static gboolean add_pids(struct scope_request *request, char **texts, GError **error)
{
	for (char **text = texts; text && *text; text++) {
		uint64_t value;
		guint32 pid;

		if (parse_uint(*text, G_MAXINT32, &value) < 0 || value == 0) {
			g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			            "--pid takes a process id, not '%s'", *text);
			return FALSE;
		}
		pid = (guint32)value;
		g_array_append_val(request->pids, pid);
	}
	return TRUE;
}

static gboolean add_properties(struct scope_request *request, char **texts, GError **error)
{
	for (char **text = texts; text && *text; text++) {
		GVariant *property = property_parse(*text, error);

		if (!property)
			return FALSE;
		g_ptr_array_add(request->properties, g_variant_ref_sink(property));
	}
	return TRUE;
}

static gboolean parse_arguments(int argc, char **argv, struct scope_request *request,
                                GError **error)
{
	struct arguments args = { .fd = -1, .timeout_ms = TIMEOUT_MS };
	const GOptionEntry entries[] = {
		{ "answer-fd", 0, 0, G_OPTION_ARG_INT, &args.fd, "Answer on this socket", "FD" },
		{ "unit", 0, 0, G_OPTION_ARG_STRING, &args.unit, "The scope's name", "UNIT" },
		{ "description", 0, 0, G_OPTION_ARG_STRING, &args.description, "Its description",
		  "TEXT" },
		{ "pid", 0, 0, G_OPTION_ARG_STRING_ARRAY, &args.pids, "A process to move", "PID" },
		{ "property", 0, 0, G_OPTION_ARG_STRING_ARRAY, &args.properties, "A unit property",
		  "NAME=VALUE" },
		{ "timeout-ms", 0, 0, G_OPTION_ARG_INT, &args.timeout_ms, "How long to wait in all",
		  "N" },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- start a scope for sbx");

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (argc > 1 || args.fd < 0 || !args.unit || args.timeout_ms <= 0) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
		            "--answer-fd and --unit are needed");
		return FALSE;
	}
	request->peer_fd = args.fd;
	request->unit = args.unit;
	request->description = args.description ? args.description : args.unit;
	request->timeout_ms = (guint)args.timeout_ms;
	return add_pids(request, args.pids, error) &&
	       add_properties(request, args.properties, error);
}

static int answer(int fd, char letter, const char *text)
{
	g_autofree char *message = g_strdup_printf("%c%s", letter, text);
	ssize_t n;

	do
		n = send(fd, message, strlen(message), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return letter == 'O' && n > 0 ? 0 : 1;
}

static int talk(const struct scope_request *request)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree char *path = NULL;

	switch (scope_start(request, &text)) {
	case SCOPE_STARTED:
		break;
	case SCOPE_NO_MANAGER:
		return answer(request->peer_fd, 'N', text);
	case SCOPE_FAILED:
	case SCOPE_ABANDONED:
		return answer(request->peer_fd, 'E', text);
	}
	path = scope_cgroup_of(g_array_index(request->pids, guint32, 0), &error);
	if (!path)
		return answer(request->peer_fd, 'E', error->message);
	return answer(request->peer_fd, 'O', path);
}

int main(int argc, char **argv)
{
	struct scope_request request = {
		.properties = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref),
		.pids = g_array_new(FALSE, FALSE, sizeof(guint32)),
	};
	g_autoptr(GError) error = NULL;

	if (!parse_arguments(argc, argv, &request, &error)) {
		fprintf(stderr, "sbx-scope: %s\n", error->message);
		return 2;
	}
	/* there is nothing to take down, and taking it down takes time */
	_exit(talk(&request));
}
