/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All calls are asynchronous, so that the one timer covers each of them, connecting included. The
 * job may be done before the reply that names it has been read: results are kept by job until the
 * name is known.
 */
#include "scope/scope.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define MANAGER_NAME      "org.freedesktop.systemd1"
#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

struct talk {
	const struct scope_request *request;
	GMainLoop *loop;
	GCancellable *cancel;
	GPtrArray *addresses; /* see find_addresses() */
	guint next;           /* address to try */
	gboolean is_bus;
	GDBusConnection *connection;
	GHashTable *done_jobs; /* object path -> result */
	char *job;             /* object path; NULL until the reply */
	GString *tried;
	enum scope_result result;
	char *text;
};

/* A JobRemoved on its way to the main thread. */
struct removal {
	struct talk *talk;
	char *job, *result;
};

static void try_next_address(struct talk *talk);

static void finish(struct talk *talk, enum scope_result result, char *text)
{
	talk->result = result;
	g_free(talk->text);
	talk->text = text;
	g_cancellable_cancel(talk->cancel);
	g_main_loop_quit(talk->loop);
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

/* In the main thread again, where the rest happens. */
static gboolean take_job_removed(gpointer data)
{
	struct removal *removal = data;
	struct talk *talk = removal->talk;

	g_hash_table_replace(talk->done_jobs, g_strdup(removal->job), g_strdup(removal->result));
	check_job(talk);
	return G_SOURCE_REMOVE;
}

static void removal_free(gpointer data)
{
	struct removal *removal = data;

	g_free(removal->job);
	g_free(removal->result);
	g_free(removal);
}

/* Sees every message, in GDBus's own thread; takes the signal that we wait for out of them. */
static GDBusMessage *on_message(GDBusConnection *connection, GDBusMessage *message,
                                gboolean incoming, gpointer data)
{
	struct talk *talk = data;
	GVariant *body = g_dbus_message_get_body(message);
	struct removal *removal;
	const char *job, *unit, *result;

	(void)connection;
	if (!incoming || g_dbus_message_get_message_type(message) != G_DBUS_MESSAGE_TYPE_SIGNAL ||
	    g_strcmp0(g_dbus_message_get_interface(message), MANAGER_INTERFACE) != 0 ||
	    g_strcmp0(g_dbus_message_get_member(message), "JobRemoved") != 0 || !body ||
	    !g_variant_is_of_type(body, G_VARIANT_TYPE("(uoss)")))
		return message;
	g_variant_get(body, "(u&o&s&s)", NULL, &job, &unit, &result);
	if (strcmp(unit, talk->request->unit) == 0) {
		removal = g_new0(struct removal, 1);
		removal->talk = talk;
		removal->job = g_strdup(job);
		removal->result = g_strdup(result);
		g_idle_add_full(G_PRIORITY_DEFAULT, take_job_removed, removal, removal_free);
	}
	return message;
}

static void on_closed(GDBusConnection *connection, gboolean remote, GError *error, gpointer data)
{
	struct talk *talk = data;

	(void)connection;
	(void)remote;
	(void)error;
	finish(talk, SCOPE_FAILED, g_strdup("the user's systemd closed the connection"));
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

static void on_started(GObject *source, GAsyncResult *res, gpointer data)
{
	struct talk *talk = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), res, &error);

	if (g_cancellable_is_cancelled(talk->cancel))
		return;
	if (!reply && is_absent(error)) {
		g_string_append(talk->tried, ", which knows no systemd");
		g_signal_handlers_disconnect_by_data(talk->connection, talk);
		try_next_address(talk);
		return;
	}
	if (!reply) {
		g_dbus_error_strip_remote_error(error);
		finish(talk, SCOPE_FAILED,
		       g_strdup_printf("the user's systemd refuses to start %s: %s",
		                       talk->request->unit, error->message));
		return;
	}
	g_variant_get(reply, "(o)", &talk->job);
	check_job(talk);
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

static void on_connected(GObject *source, GAsyncResult *res, gpointer data)
{
	struct talk *talk = data;
	g_autoptr(GError) error = NULL;
	const char *name = talk->is_bus ? MANAGER_NAME : NULL;
	static const char match[] = "type='signal',sender='" MANAGER_NAME "',path='" MANAGER_PATH
				    "',interface='" MANAGER_INTERFACE "',member='JobRemoved'";

	(void)source;
	g_clear_object(&talk->connection);
	talk->connection = g_dbus_connection_new_for_address_finish(res, &error);
	if (g_cancellable_is_cancelled(talk->cancel))
		return;
	if (!talk->connection) {
		g_string_append_printf(talk->tried, " (%s)", error->message);
		try_next_address(talk);
		return;
	}
	g_dbus_connection_set_exit_on_close(talk->connection, FALSE);
	g_signal_connect(talk->connection, "closed", G_CALLBACK(on_closed), talk);
	/* the match goes out before the call, so no signal is missed; systemd sends a job's signals
	 * to who has created it without a Subscribe() */
	g_dbus_connection_add_filter(talk->connection, on_message, talk, NULL);
	/* the match goes out before the call, so no signal is missed; systemd sends a job's signals
	 * to who has created it without a Subscribe() */
	if (talk->is_bus)
		g_dbus_connection_call(talk->connection, "org.freedesktop.DBus",
		                       "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
		                       g_variant_new("(s)", match), NULL, G_DBUS_CALL_FLAGS_NONE,
		                       -1, NULL, NULL, NULL);
	g_dbus_connection_call(talk->connection, name, MANAGER_PATH, MANAGER_INTERFACE,
	                       "StartTransientUnit", build_call(talk->request),
	                       G_VARIANT_TYPE("(o)"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
	                       (gint)talk->request->timeout_ms, talk->cancel, on_started, talk);
}

static void try_next_address(struct talk *talk)
{
	GDBusConnectionFlags flags = G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT;
	const char *address;

	if (talk->next == talk->addresses->len) {
		finish(talk, SCOPE_NO_MANAGER,
		       g_strdup_printf("no systemd of the user's answers%s%s",
		                       talk->tried->len ? ": tried " : "", talk->tried->str));
		return;
	}
	address = g_ptr_array_index(talk->addresses, talk->next++);
	talk->is_bus = address[0] == 'b';
	if (talk->is_bus)
		flags |= G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION;
	g_string_append_printf(talk->tried, "%s%s", talk->tried->len ? ", " : "", address + 1);
	g_dbus_connection_new_for_address(address + 1, flags, NULL, talk->cancel, on_connected,
	                                  talk);
}

/* "bADDRESS" for a message bus, "dADDRESS" for a direct connection. */
static GPtrArray *find_addresses(void)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	const char *bus = g_getenv("DBUS_SESSION_BUS_ADDRESS");
	const char *dir = g_getenv("XDG_RUNTIME_DIR");
	g_autofree char *fallback = g_strdup_printf("/run/user/%u", (unsigned int)getuid());
	g_autofree char *escaped = NULL;

	if (!dir || !*dir)
		dir = fallback;
	escaped = g_dbus_address_escape_value(dir);
	if (bus && *bus)
		g_ptr_array_add(list, g_strconcat("b", bus, NULL));
	else
		g_ptr_array_add(list, g_strdup_printf("bunix:path=%s/bus", escaped));
	g_ptr_array_add(list, g_strdup_printf("dunix:path=%s/systemd/private", escaped));
	return list;
}

static gboolean on_timeout(gpointer data)
{
	struct talk *talk = data;
	guint ms = talk->request->timeout_ms;

	finish(talk, SCOPE_FAILED,
	       g_strdup_printf("the user's systemd did not start %s within %u.%03u s",
	                       talk->request->unit, ms / 1000, ms % 1000));
	return G_SOURCE_CONTINUE;
}

static gboolean on_peer(int fd, GIOCondition condition, gpointer data)
{
	(void)fd;
	(void)condition;
	finish(data, SCOPE_ABANDONED, g_strdup("nobody waits for the answer"));
	return G_SOURCE_CONTINUE;
}

enum scope_result scope_start(const struct scope_request *request, char **ret_text)
{
	struct talk talk = {
		.request = request,
		.loop = g_main_loop_new(NULL, FALSE),
		.cancel = g_cancellable_new(),
		.addresses = find_addresses(),
		.done_jobs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.tried = g_string_new(NULL),
	};
	guint timer = g_timeout_add(request->timeout_ms, on_timeout, &talk);
	guint peer = g_unix_fd_add(request->peer_fd, G_IO_HUP | G_IO_ERR, on_peer, &talk);

	try_next_address(&talk);
	g_main_loop_run(talk.loop);
	g_source_remove(timer);
	g_source_remove(peer);
	if (talk.connection)
		g_signal_handlers_disconnect_by_data(talk.connection, &talk);
	/* the process ends with this conversation: what a call still under way holds stays held */
	g_ptr_array_unref(talk.addresses);
	g_string_free(talk.tried, TRUE);
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
