/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sbx-scope against a made-up manager, on a private bus and on a private socket: one that answers
 * well, badly, late and never. The manager lives in this process; the helper is the real program.
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char *helper_path;
static int manager_fd = -1; /* the helper's descriptor 4 */

#define UNIT "sbx-test.scope"
#define JOB  "/org/freedesktop/systemd1/job/7"

enum manner {
	WELL,
	SIGNAL_FIRST, /* JobRemoved before the reply */
	OTHERS_FIRST, /* signals of other units, and of an odd type, before ours */
	LATE,         /* everything after a while */
	TOO_LATE,     /* everything when the helper has long given up */
	JOB_FAILS,    /* the job ends with the result "failed" */
	REFUSES,      /* an error reply */
	ODD_REPLY,    /* a reply of another type */
	NEVER_REPLIES,
	NEVER_DONE, /* a reply, but no JobRemoved */
	HANGS_UP,   /* drops the connection */
};

struct manager {
	enum manner manner;
	GVariant *call; /* what StartTransientUnit got */
};

static void send_removed(GDBusConnection *connection, const char *unit, const char *result)
{
	g_dbus_connection_emit_signal(connection, NULL, "/org/freedesktop/systemd1",
	                              "org.freedesktop.systemd1.Manager", "JobRemoved",
	                              g_variant_new("(uoss)", 7, JOB, unit, result), NULL);
}

static void send_noise(GDBusConnection *connection)
{
	g_dbus_connection_emit_signal(connection, NULL, "/org/freedesktop/systemd1",
	                              "org.freedesktop.systemd1.Manager", "JobRemoved",
	                              g_variant_new("(s)", "odd"), NULL);
	send_removed(connection, "other.scope", "failed");
}

static void send_reply(GDBusConnection *connection, GDBusMessage *call, GVariant *body)
{
	g_autoptr(GDBusMessage) reply = g_dbus_message_new_method_reply(call);

	if (body)
		g_dbus_message_set_body(reply, body);
	g_dbus_connection_send_message(connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
	                               NULL);
}

static void send_job(GDBusConnection *connection, GDBusMessage *call)
{
	send_reply(connection, call, g_variant_new("(o)", JOB));
}

static void send_refusal(GDBusConnection *connection, GDBusMessage *call)
{
	g_autoptr(GDBusMessage) reply = g_dbus_message_new_method_error_literal(
		call, "org.freedesktop.systemd1.UnitExists", "Unit is taken.");

	g_dbus_connection_send_message(connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
	                               NULL);
}

struct late {
	GDBusConnection *connection;
	GDBusMessage *call;
};

static gboolean reply_late(gpointer data)
{
	struct late *late = data;

	send_job(late->connection, late->call);
	send_removed(late->connection, UNIT, "done");
	g_object_unref(late->connection);
	g_object_unref(late->call);
	g_free(late);
	return G_SOURCE_REMOVE;
}

static void answer_later(GDBusConnection *connection, GDBusMessage *call, guint ms)
{
	struct late *late = g_new0(struct late, 1);

	late->connection = g_object_ref(connection);
	late->call = g_object_ref(call);
	g_timeout_add(ms, reply_late, late);
}

static void answer(struct manager *manager, GDBusConnection *connection, GDBusMessage *call)
{
	switch (manager->manner) {
	case NEVER_REPLIES:
		return;
	case HANGS_UP:
		g_dbus_connection_close(connection, NULL, NULL, NULL);
		return;
	case REFUSES:
		send_refusal(connection, call);
		return;
	case ODD_REPLY:
		send_reply(connection, call, NULL);
		return;
	case LATE:
		answer_later(connection, call, 300);
		return;
	case TOO_LATE:
		answer_later(connection, call, 6000);
		return;
	case SIGNAL_FIRST:
		send_removed(connection, UNIT, "done");
		send_job(connection, call);
		return;
	case NEVER_DONE:
		send_job(connection, call);
		return;
	case OTHERS_FIRST:
		send_noise(connection);
		break;
	case WELL:
	case JOB_FAILS:
		break;
	}
	send_job(connection, call);
	send_removed(connection, UNIT, manager->manner == JOB_FAILS ? "failed" : "done");
}

/* Every message that comes in, in GDBus's thread. */
static GDBusMessage *on_message(GDBusConnection *connection, GDBusMessage *message,
                                gboolean incoming, gpointer data)
{
	struct manager *manager = data;

	if (!incoming || g_strcmp0(g_dbus_message_get_member(message), "StartTransientUnit") != 0)
		return message;
	manager->call = g_variant_ref(g_dbus_message_get_body(message));
	answer(manager, connection, message);
	g_object_unref(message);
	return NULL;
}

static void export_manager(struct manager *manager, GDBusConnection *connection)
{
	g_dbus_connection_add_filter(connection, on_message, manager, NULL);
}

struct fixture {
	GTestDBus *bus;
	GDBusConnection *connection; /* the manager's, on the bus */
	GDBusServer *server;         /* the private socket */
	struct manager manager;
	char *runtime_dir;
};

static void fixture_set_up(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->runtime_dir = g_dir_make_tmp("sbx-scope-XXXXXX", NULL);
	g_assert_nonnull(fixture->runtime_dir);
	g_setenv("XDG_RUNTIME_DIR", fixture->runtime_dir, TRUE);
	g_unsetenv("DBUS_SESSION_BUS_ADDRESS");
}

static void start_bus(struct fixture *fixture)
{
	fixture->bus = g_test_dbus_new(G_TEST_DBUS_NONE);
	g_test_dbus_up(fixture->bus);
	/* which unsets it; the helper needs it */
	g_setenv("XDG_RUNTIME_DIR", fixture->runtime_dir, TRUE);
}

static void start_manager(struct fixture *fixture, enum manner manner)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = NULL;
	const guint32 owner = 1;
	guint32 got;

	start_bus(fixture);
	fixture->manager.manner = manner;
	fixture->connection = g_dbus_connection_new_for_address_sync(
		g_test_dbus_get_bus_address(fixture->bus),
		G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
			G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
		NULL, NULL, &error);
	g_assert_no_error(error);
	export_manager(&fixture->manager, fixture->connection);
	reply = g_dbus_connection_call_sync(fixture->connection, "org.freedesktop.DBus",
	                                    "/org/freedesktop/DBus", "org.freedesktop.DBus",
	                                    "RequestName",
	                                    g_variant_new("(su)", "org.freedesktop.systemd1", 4),
	                                    NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
	g_assert_no_error(error);
	g_variant_get(reply, "(u)", &got);
	g_assert_cmpuint(got, ==, owner);
}

static gboolean on_connection(GDBusServer *server, GDBusConnection *connection, gpointer data)
{
	(void)server;
	export_manager(data, g_object_ref(connection));
	return TRUE;
}

static void start_private_manager(struct fixture *fixture, enum manner manner)
{
	g_autofree char *dir = g_build_filename(fixture->runtime_dir, "systemd", NULL);
	g_autofree char *address = g_strdup_printf("unix:path=%s/private", dir);
	g_autofree char *guid = g_dbus_generate_guid();

	fixture->manager.manner = manner;
	g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
	fixture->server =
		g_dbus_server_new_sync(address, G_DBUS_SERVER_FLAGS_NONE, guid, NULL, NULL, NULL);
	g_assert_nonnull(fixture->server);
	g_signal_connect(fixture->server, "new-connection", G_CALLBACK(on_connection),
	                 &fixture->manager);
	g_dbus_server_start(fixture->server);
}

static void remove_tree(const char *path)
{
	g_autofree char *private = g_build_filename(path, "systemd", "private", NULL);
	g_autofree char *dir = g_build_filename(path, "systemd", NULL);
	g_autofree char *bus = g_build_filename(path, "bus", NULL);

	g_unlink(private);
	g_rmdir(dir);
	g_unlink(bus);
	g_rmdir(path);
}

static void fixture_tear_down(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	if (fixture->connection && !g_dbus_connection_is_closed(fixture->connection))
		g_dbus_connection_close_sync(fixture->connection, NULL, NULL);
	g_clear_object(&fixture->connection);
	if (fixture->server)
		g_dbus_server_stop(fixture->server);
	g_clear_object(&fixture->server);
	if (fixture->bus)
		g_test_dbus_down(fixture->bus);
	g_clear_object(&fixture->bus);
	g_clear_pointer(&fixture->manager.call, g_variant_unref);
	remove_tree(fixture->runtime_dir);
	g_free(fixture->runtime_dir);
}

struct outcome {
	int status;
	char *answer; /* "" when there was none */
	char *errors;
};

static void outcome_clear(struct outcome *outcome)
{
	g_free(outcome->answer);
	g_free(outcome->errors);
}

#define g_auto_outcome __attribute__((cleanup(outcome_clear))) struct outcome

static void on_exited(GObject *source, GAsyncResult *res, gpointer data)
{
	gboolean *exited = data;

	*exited = g_subprocess_wait_finish(G_SUBPROCESS(source), res, NULL);
}

/* Runs the helper with this process as the one to move; more words end with NULL. */
static struct outcome run_scope(const char *timeout_ms, gboolean close_peer,
                                const char *const *more)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDERR_PIPE);
	g_autoptr(GSubprocess) helper = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
	const char *const words[] = { "--answer-fd",   "3",         "--unit", UNIT,
		                      "--description", "sbx: true", "--pid",  pid,
		                      "--timeout-ms",  timeout_ms };
	char buf[4096];
	struct outcome outcome = { 0 };
	gboolean exited = FALSE;
	int pair[2];
	ssize_t n = 0;

	g_ptr_array_add(argv, helper_path);
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
		g_ptr_array_add(argv, (char *)words[i]);
	for (; more && *more; more++)
		g_ptr_array_add(argv, (char *)*more);
	g_ptr_array_add(argv, NULL);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
	g_subprocess_launcher_take_fd(launcher, pair[1], 3);
	if (manager_fd >= 0)
		g_subprocess_launcher_take_fd(launcher, manager_fd, 4);
	manager_fd = -1;
	helper = g_subprocess_launcher_spawnv(launcher, (const char *const *)argv->pdata, &error);
	g_assert_no_error(error);
	g_subprocess_launcher_close(launcher);
	if (close_peer)
		close(pair[0]);
	g_subprocess_wait_async(helper, NULL, on_exited, &exited);
	while (!exited)
		g_main_context_iteration(NULL, TRUE);
	if (!close_peer) {
		n = recv(pair[0], buf, sizeof(buf), 0);
		g_assert_cmpint(n, >=, 0);
		close(pair[0]);
	}
	outcome.answer = g_strndup(buf, (gsize)n);
	n = read(g_unix_input_stream_get_fd(
			 G_UNIX_INPUT_STREAM(g_subprocess_get_stderr_pipe(helper))),
	         buf, sizeof(buf) - 1);
	outcome.errors = g_strndup(buf, n > 0 ? (gsize)n : 0);
	outcome.status =
		g_subprocess_get_if_exited(helper) ? g_subprocess_get_exit_status(helper) : -1;
	return outcome;
}

static void assert_answer(const struct outcome *outcome, char letter, const char *part)
{
	g_test_message("status %d, answer '%s', stderr '%s'", outcome->status, outcome->answer,
	               outcome->errors);
	g_assert_cmpint(outcome->status, ==, letter == 'O' ? 0 : 1);
	g_assert_cmpint(outcome->answer[0], ==, letter);
	g_assert_nonnull(strstr(outcome->answer, part));
	g_assert_cmpstr(outcome->errors, ==, "");
}

struct manner_case {
	const char *name;
	enum manner manner;
	const char *timeout_ms;
	char letter;
	const char *part;
};

static const struct manner_case manners[] = {
	{ "well", WELL, "200000", 'O', "/" },
	{ "signal-first", SIGNAL_FIRST, "200000", 'O', "/" },
	{ "others-first", OTHERS_FIRST, "200000", 'O', "/" },
	{ "late", LATE, "200000", 'O', "/" },
	{ "job-fails", JOB_FAILS, "200000", 'E', "the job's result is 'failed'" },
	{ "refuses", REFUSES, "200000", 'E', "refuses to start " UNIT ": Unit is taken." },
	{ "odd-reply", ODD_REPLY, "200000", 'E', "refuses to start " UNIT },
	{ "never-replies", NEVER_REPLIES, "2000", 'E', "did not start " UNIT " within 2.000 s" },
	{ "never-done", NEVER_DONE, "2000", 'E', "did not start " UNIT " within 2.000 s" },
	{ "too-late", TOO_LATE, "2000", 'E', "did not start " UNIT " within 2.000 s" },
};

static void test_manner(struct fixture *fixture, gconstpointer data)
{
	const struct manner_case *manner = data;
	g_auto_outcome outcome = { 0 };

	start_manager(fixture, manner->manner);
	outcome = run_scope(manner->timeout_ms, FALSE, NULL);
	assert_answer(&outcome, manner->letter, manner->part);
}

static void test_private_manner(struct fixture *fixture, gconstpointer data)
{
	const struct manner_case *manner = data;
	g_auto_outcome outcome = { 0 };

	start_private_manager(fixture, manner->manner);
	outcome = run_scope(manner->timeout_ms, FALSE, NULL);
	assert_answer(&outcome, manner->letter, manner->part);
}

static void test_hang_up(struct fixture *fixture, gconstpointer data)
{
	g_auto_outcome outcome = { 0 };

	(void)data;
	start_private_manager(fixture, HANGS_UP);
	outcome = run_scope("200000", FALSE, NULL);
	assert_answer(&outcome, 'E', "");
}

static void test_answer_is_cgroup(struct fixture *fixture, gconstpointer data)
{
	g_auto_outcome outcome = { 0 };
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;

	(void)data;
	start_manager(fixture, WELL);
	outcome = run_scope("200000", FALSE, NULL);
	g_assert_true(g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL));
	line = g_strdup_printf("0::%s\n", outcome.answer + 1);
	g_assert_nonnull(strstr(text, line));
}

static GVariant *lookup(GVariant *properties, const char *name, const char *type)
{
	GVariantIter iter;
	GVariant *value;
	const char *key;

	g_variant_iter_init(&iter, properties);
	while (g_variant_iter_next(&iter, "(&sv)", &key, &value)) {
		if (strcmp(key, name) == 0) {
			g_assert_cmpstr(g_variant_get_type_string(value), ==, type);
			return value;
		}
		g_variant_unref(value);
	}
	g_error("no property %s", name);
}

static void assert_property(GVariant *properties, const char *name, const char *type,
                            const char *text)
{
	g_autoptr(GVariant) value = lookup(properties, name, type);
	g_autofree char *printed = g_variant_print(value, FALSE);

	g_assert_cmpstr(printed, ==, text);
}

static void test_call(struct fixture *fixture, gconstpointer data)
{
	static const char *const more[] = { "--property=MemoryMax=536870912",
		                            "--property=Delegate=yes",
		                            "--property=DelegateControllers=memory pids", NULL };
	g_autoptr(GVariant) properties = NULL;
	g_autofree char *pids = g_strdup_printf("[%d]", (int)getpid());
	g_auto_outcome outcome = { 0 };
	const char *unit, *mode;

	(void)data;
	start_manager(fixture, WELL);
	outcome = run_scope("200000", FALSE, more);
	assert_answer(&outcome, 'O', "/");
	g_variant_get(fixture->manager.call, "(&s&s@a(sv)@a(sa(sv)))", &unit, &mode, &properties,
	              NULL);
	g_assert_cmpstr(unit, ==, UNIT);
	g_assert_cmpstr(mode, ==, "fail");
	assert_property(properties, "Description", "s", "'sbx: true'");
	assert_property(properties, "Delegate", "b", "true");
	assert_property(properties, "DelegateControllers", "as", "['memory', 'pids']");
	assert_property(properties, "CollectMode", "s", "'inactive-or-failed'");
	assert_property(properties, "PIDs", "au", pids);
	assert_property(properties, "MemoryMax", "t", "536870912");
}

static void test_nobody(struct fixture *fixture, gconstpointer data)
{
	g_auto_outcome outcome = { 0 };

	(void)data;
	outcome = run_scope("200000", FALSE, NULL);
	assert_answer(&outcome, 'N', fixture->runtime_dir);
}

static void test_bus_without_manager(struct fixture *fixture, gconstpointer data)
{
	g_auto_outcome outcome = { 0 };

	(void)data;
	start_bus(fixture);
	outcome = run_scope("200000", FALSE, NULL);
	assert_answer(&outcome, 'N', "which knows no systemd");
}

static void test_private_after_bus(struct fixture *fixture, gconstpointer data)
{
	g_auto_outcome outcome = { 0 };

	(void)data;
	start_bus(fixture);
	start_private_manager(fixture, WELL);
	outcome = run_scope("200000", FALSE, NULL);
	assert_answer(&outcome, 'O', "/");
}

/* The helper gets a connection that is open already, as sbx makes one. */
static int connect_to(const char *path)
{
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
	g_autoptr(GSocket) client = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
	                                         G_SOCKET_PROTOCOL_DEFAULT, NULL);

	g_assert_true(g_socket_connect(client, address, NULL, NULL));
	return fcntl(g_socket_get_fd(client), F_DUPFD_CLOEXEC, 0);
}

static void test_handed_over(struct fixture *fixture, gconstpointer data)
{
	static const char *const more[] = { "--manager-fd", "4", NULL };
	g_autofree char *path = g_build_filename(fixture->runtime_dir, "systemd", "private", NULL);
	g_auto_outcome outcome = { 0 };

	(void)data;
	start_private_manager(fixture, WELL);
	manager_fd = connect_to(path);
	outcome = run_scope("200000", FALSE, more);
	assert_answer(&outcome, 'O', "/");
}

/* A socket that takes connections and says nothing, ever; data: one is handed over. */
static void test_silent_bus(struct fixture *fixture, gconstpointer data)
{
	static const char *const more[] = { "--manager-fd", "4", NULL };
	g_autofree char *path = g_build_filename(fixture->runtime_dir, "bus", NULL);
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
	g_autoptr(GSocket) listener = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
	                                           G_SOCKET_PROTOCOL_DEFAULT, NULL);
	g_auto_outcome outcome = { 0 };

	g_assert_true(g_socket_bind(listener, address, FALSE, NULL));
	g_assert_true(g_socket_listen(listener, NULL));
	if (data)
		manager_fd = connect_to(path);
	outcome = run_scope("300", FALSE, data ? more : NULL);
	assert_answer(&outcome, 'E', "did not start");
}

static void test_peer_gone(struct fixture *fixture, gconstpointer data)
{
	g_auto_outcome outcome = { 0 };

	(void)data;
	start_manager(fixture, NEVER_REPLIES);
	/* comes back at all, long before its own limit, which is the harness's */
	outcome = run_scope("10000000", TRUE, NULL);
	g_assert_cmpint(outcome.status, ==, 1);
}

static void test_bad_property(struct fixture *fixture, gconstpointer data)
{
	static const char *const more[] = { "--property", "Nonsense=1", NULL };
	g_auto_outcome outcome = run_scope("200000", FALSE, more);

	(void)fixture;
	(void)data;
	g_assert_cmpint(outcome.status, ==, 2);
	g_assert_cmpstr(outcome.answer, ==, "");
	g_assert_nonnull(strstr(outcome.errors, "no property is called 'Nonsense'"));
}

static void add(const char *name, gconstpointer data,
                void (*test)(struct fixture *fixture, gconstpointer data))
{
	g_test_add(name, struct fixture, data, fixture_set_up, test, fixture_tear_down);
}

int main(int argc, char **argv)
{
	g_autofree char *daemon = g_find_program_in_path("dbus-daemon");

	g_test_init(&argc, &argv, NULL);
	helper_path = g_build_filename(g_getenv("SBX_BUILDDIR") ? g_getenv("SBX_BUILDDIR") : ".",
	                               "sbx-scope", NULL);
	if (!daemon) {
		g_print("1..0 # SKIP cannot run here: dbus-daemon is not installed\n");
		return 0;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(manners); i++) {
		g_autofree char *on_bus = g_strconcat("/scope/bus/", manners[i].name, NULL);
		g_autofree char *direct = g_strconcat("/scope/private/", manners[i].name, NULL);

		add(on_bus, &manners[i], test_manner);
		add(direct, &manners[i], test_private_manner);
	}
	add("/scope/private/hangs-up", NULL, test_hang_up);
	add("/scope/answer-is-cgroup", NULL, test_answer_is_cgroup);
	add("/scope/call", NULL, test_call);
	add("/scope/nobody", NULL, test_nobody);
	add("/scope/bus-without-manager", NULL, test_bus_without_manager);
	add("/scope/private-after-bus", NULL, test_private_after_bus);
	add("/scope/silent-bus", NULL, test_silent_bus);
	add("/scope/handed-over/well", NULL, test_handed_over);
	add("/scope/handed-over/silent", "", test_silent_bus);
	add("/scope/peer-gone", NULL, test_peer_gone);
	add("/scope/bad-property", NULL, test_bad_property);
	return g_test_run();
}
