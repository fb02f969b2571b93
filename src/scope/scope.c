/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The job may be done before the reply that names it has been read: results are kept by job until
 * the name is known.
 */
#include "scope/scope.h"

#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scope/wire.h"

#define MANAGER_NAME      "org.freedesktop.systemd1"
#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define BUS_NAME          "org.freedesktop.DBus"
#define BUS_PATH          "/org/freedesktop/DBus"

struct talk {
	const struct scope_request *request;
	struct wire wire;
	guint32 hello, call;   /* serials; 0: not sent */
	GHashTable *done_jobs; /* object path -> result */
	char *job;             /* object path; NULL until the reply */
	GString *tried;
	char *text;
	gboolean is_over;
	enum scope_result result;
};

static void finish(struct talk *talk, enum scope_result result, char *text)
{
	talk->is_over = TRUE;
	talk->result = result;
	g_free(talk->text);
	talk->text = text;
}

/* Ends the conversation when the job that we wait for has ended. */
static void check_job(struct talk *talk)
{
	const char *result = talk->job ? g_hash_table_lookup(talk->done_jobs, talk->job) : NULL;

	if (!result)
		return;
	if (strcmp(result, "done") == 0)
		finish(talk, SCOPE_STARTED, NULL);
	else
		finish(talk, SCOPE_FAILED,
		       g_strdup_printf(
			       "the user's systemd could not start %s: the job's result is '%s'",
			       talk->request->unit, result));
}

static void take_signal(struct talk *talk, GDBusMessage *message)
{
	GVariant *body = g_dbus_message_get_body(message);
	const char *job, *unit, *result;

	if (g_strcmp0(g_dbus_message_get_interface(message), MANAGER_INTERFACE) != 0 ||
	    g_strcmp0(g_dbus_message_get_member(message), "JobRemoved") != 0 || !body ||
	    !g_variant_is_of_type(body, G_VARIANT_TYPE("(uoss)")))
		return;
	g_variant_get(body, "(u&o&s&s)", NULL, &job, &unit, &result);
	if (strcmp(unit, talk->request->unit) != 0)
		return;
	g_hash_table_replace(talk->done_jobs, g_strdup(job), g_strdup(result));
	check_job(talk);
}

/* Errors that say that nobody of that name is there, as opposed to somebody who refuses. */
static gboolean is_absent(const GError *error)
{
	static const int codes[] = {
		G_DBUS_ERROR_SERVICE_UNKNOWN,       G_DBUS_ERROR_NAME_HAS_NO_OWNER,
		G_DBUS_ERROR_SPAWN_SERVICE_INVALID, G_DBUS_ERROR_SPAWN_SERVICE_NOT_FOUND,
		G_DBUS_ERROR_SPAWN_CHILD_EXITED,
	};

	for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
		if (g_error_matches(error, G_DBUS_ERROR, codes[i]))
			return TRUE;
	}
	return FALSE;
}

/* Returns FALSE when there is no systemd behind this address. */
static gboolean take_error(struct talk *talk, GDBusMessage *message)
{
	g_autoptr(GError) error = NULL;

	g_dbus_message_to_gerror(message, &error);
	if (is_absent(error)) {
		g_string_append(talk->tried, ", which knows no systemd");
		return FALSE;
	}
	g_dbus_error_strip_remote_error(error);
	finish(talk, SCOPE_FAILED,
	       g_strdup_printf("the user's systemd refuses to start %s: %s", talk->request->unit,
	                       error->message));
	return TRUE;
}

static void take_reply(struct talk *talk, GDBusMessage *message)
{
	GVariant *body = g_dbus_message_get_body(message);

	if (body && g_variant_is_of_type(body, G_VARIANT_TYPE("(o)"))) {
		g_variant_get(body, "(o)", &talk->job);
		check_job(talk);
		return;
	}
	finish(talk, SCOPE_FAILED,
	       g_strdup_printf("the user's systemd refuses to start %s: an odd reply",
	                       talk->request->unit));
}

static gboolean take_message(struct talk *talk, GDBusMessage *message)
{
	guint32 serial = g_dbus_message_get_reply_serial(message);

	switch (g_dbus_message_get_message_type(message)) {
	case G_DBUS_MESSAGE_TYPE_SIGNAL:
		take_signal(talk, message);
		return TRUE;
	case G_DBUS_MESSAGE_TYPE_METHOD_RETURN:
		if (serial == talk->call)
			take_reply(talk, message);
		return TRUE;
	case G_DBUS_MESSAGE_TYPE_ERROR:
		if (serial == talk->call || serial == talk->hello)
			return take_error(talk, message);
		return TRUE;
	case G_DBUS_MESSAGE_TYPE_INVALID:
	case G_DBUS_MESSAGE_TYPE_METHOD_CALL:
	default:
		return TRUE;
	}
}

static GVariant *build_call(const struct scope_request *request)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(sv)"));
	g_variant_builder_add(&builder, "(sv)", "Description",
	                      g_variant_new_string(request->description));
	g_variant_builder_add(&builder, "(sv)", "Delegate", g_variant_new_boolean(TRUE));
	g_variant_builder_add(&builder, "(sv)", "CollectMode",
	                      g_variant_new_string("inactive-or-failed"));
	g_variant_builder_add(&builder, "(sv)", "PIDs",
	                      g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, request->pids->data,
	                                                request->pids->len, sizeof(guint32)));
	for (guint i = 0; i < request->properties->len; i++)
		g_variant_builder_add_value(&builder, g_ptr_array_index(request->properties, i));
	return g_variant_new("(ss@a(sv)@a(sa(sv)))", request->unit, "fail",
	                     g_variant_builder_end(&builder),
	                     g_variant_new_array(G_VARIANT_TYPE("(sa(sv))"), NULL, 0));
}

static guint32 queue_call(struct talk *talk, GDBusMessage *message, GVariant *body, GError **error)
{
	guint32 serial;

	g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
	if (body)
		g_dbus_message_set_body(message, body);
	serial = wire_queue(&talk->wire, message, error);
	g_object_unref(message);
	return serial;
}

/* On a bus we need a name, and the signal has to be asked for. Nothing of that is waited for: what
 * comes back is looked at as it comes. */
static gboolean queue_greeting(struct talk *talk, GError **error)
{
	static const char match[] = "type='signal',sender='" MANAGER_NAME "',path='" MANAGER_PATH
				    "',interface='" MANAGER_INTERFACE "',member='JobRemoved'";

	talk->hello = queue_call(
		talk, g_dbus_message_new_method_call(BUS_NAME, BUS_PATH, BUS_NAME, "Hello"), NULL,
		error);
	return talk->hello &&
	       queue_call(talk,
	                  g_dbus_message_new_method_call(BUS_NAME, BUS_PATH, BUS_NAME, "AddMatch"),
	                  g_variant_new("(s)", match), error);
}

/* The processes, where they were not known from the beginning: one message of process ids. */
static gboolean take_pids(struct talk *talk)
{
	const struct scope_request *request = talk->request;
	guint32 pids[SCOPE_PIDS_MAX];
	ssize_t n;

	if (request->pids->len > 0)
		return TRUE;
	n = recv(request->peer_fd, pids, sizeof(pids), 0);
	if (n <= 0 || (gsize)n % sizeof(pids[0]) != 0) {
		finish(talk, SCOPE_ABANDONED, g_strdup("nobody waits for the answer"));
		return FALSE;
	}
	g_array_append_vals(request->pids, pids, (guint)((gsize)n / sizeof(pids[0])));
	return TRUE;
}

/* Ends the conversation unless the wire is fine. */
static void check_wire(struct talk *talk, enum wire_result result, const GError *error)
{
	guint ms = talk->request->timeout_ms;

	switch (result) {
	case WIRE_OK:
		return;
	case WIRE_FAILED:
		finish(talk, SCOPE_FAILED,
		       g_strdup_printf("talk to the user's systemd: %s", error->message));
		return;
	case WIRE_LATE:
		finish(talk, SCOPE_FAILED,
		       g_strdup_printf("the user's systemd did not start %s within %u.%03u s",
		                       talk->request->unit, ms / 1000, ms % 1000));
		return;
	case WIRE_ABANDONED:
		finish(talk, SCOPE_ABANDONED, g_strdup("nobody waits for the answer"));
		return;
	}
}

/* Asks behind one address, "b" or "d" in front of it. Returns when the conversation is over, or
 * when there is no systemd there. */
static void try_address(struct talk *talk, const char *address)
{
	gboolean is_bus = address[0] == 'b';
	g_autoptr(GError) error = NULL;
	enum wire_result result = wire_connect(&talk->wire, address + 1, &error);

	g_string_append_printf(talk->tried, "%s%s", talk->tried->len ? ", " : "", address + 1);
	if (result == WIRE_FAILED) {
		g_string_append_printf(talk->tried, " (%s)", error->message);
		return;
	}
	check_wire(talk, result, error);
	if (talk->is_over || !take_pids(talk))
		return;
	talk->hello = 0;
	talk->call = 0;
	if (!is_bus || queue_greeting(talk, &error))
		talk->call = queue_call(
			talk,
			g_dbus_message_new_method_call(is_bus ? MANAGER_NAME : NULL, MANAGER_PATH,
		                                       MANAGER_INTERFACE, "StartTransientUnit"),
			build_call(talk->request), &error);
	if (!talk->call)
		check_wire(talk, WIRE_FAILED, error);
	while (!talk->is_over) {
		g_autoptr(GDBusMessage) message = NULL;

		result = wire_receive(&talk->wire, &message, &error);
		check_wire(talk, result, error);
		if (message && !take_message(talk, message))
			return;
	}
}

/* Who asked is gone, and so are its processes, perhaps before they were moved: systemd would wait
 * for ever for the end of a scope that nobody has been in. */
static void take_back(struct talk *talk)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDBusMessage) message = NULL;
	enum wire_result result = WIRE_OK;
	guint32 stop;

	talk->wire.peer_fd = -1;
	stop = queue_call(talk,
	                  g_dbus_message_new_method_call(talk->hello ? MANAGER_NAME : NULL,
	                                                 MANAGER_PATH, MANAGER_INTERFACE,
	                                                 "StopUnit"),
	                  g_variant_new("(ss)", talk->request->unit, "replace"), &error);
	while (stop && result == WIRE_OK &&
	       !(message && g_dbus_message_get_reply_serial(message) == stop)) {
		g_clear_object(&message);
		result = wire_receive(&talk->wire, &message, &error);
	}
}

/* "bADDRESS" for a message bus, "dADDRESS" for a direct connection. The manager's own socket is
 * nearer than the bus; so it is asked first where the bus is this user's usual one, and no other
 * that somebody has named. */
static GPtrArray *find_addresses(void)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	const char *bus = g_getenv("DBUS_SESSION_BUS_ADDRESS");
	const char *dir = g_getenv("XDG_RUNTIME_DIR");
	g_autofree char *fallback = g_strdup_printf("/run/user/%u", (unsigned int)getuid());
	g_autofree char *escaped = NULL;
	g_autofree char *usual = NULL;
	char *direct;

	if (!dir || !*dir)
		dir = fallback;
	escaped = g_dbus_address_escape_value(dir);
	usual = g_strdup_printf("unix:path=%s/bus", escaped);
	direct = g_strdup_printf("dunix:path=%s/systemd/private", escaped);
	if (!bus || !*bus)
		bus = usual;
	g_ptr_array_add(list, g_strconcat("b", bus, NULL));
	g_ptr_array_insert(list, strcmp(bus, usual) == 0 ? 0 : 1, direct);
	return list;
}

enum scope_result scope_start(const struct scope_request *request, char **ret_text)
{
	struct talk talk = {
		.request = request,
		.done_jobs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.tried = g_string_new(NULL),
	};
	GPtrArray *addresses = find_addresses();

	wire_init(&talk.wire, request->peer_fd, request->timeout_ms);
	for (guint i = 0; !talk.is_over && i < addresses->len; i++)
		try_address(&talk, g_ptr_array_index(addresses, i));
	if (!talk.is_over)
		finish(&talk, SCOPE_NO_MANAGER,
		       g_strdup_printf("no systemd of the user's answers: tried %s",
		                       talk.tried->str));
	if (talk.result == SCOPE_ABANDONED && talk.call)
		take_back(&talk);
	/* the connection and the rest end with the process, which is at once */
	*ret_text = talk.text;
	return talk.result;
}

char *scope_cgroup_of(guint32 pid, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/%u/cgroup", pid);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents(path, &text, NULL, error))
		return NULL;
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		if (g_str_has_prefix(*line, "0::/"))
			return g_strdup(*line + 3);
	}
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: no cgroup v2 line", path);
	return NULL;
}
