/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The D-Bus messages and addresses of sbx-scope against GDBus, which reads what we write and writes
 * what we read, in both byte orders, whole and cut.
 */
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/un.h>

#include "core/bus-address.h"
#include "scope/dbus.h"
#include "scope/property.h"

static void put_body(struct dbus_out *out)
{
	static const char *const properties[] = { "MemoryMax=67108864",
		                                  "AllowedCPUs=0-3,9",
		                                  "IOReadIOPSMax=/dev/a b 30",
		                                  "Slice=w\303\266rk.slice",
		                                  "DelegateControllers=io  memory ",
		                                  "TasksMax=infinity",
		                                  "Delegate=yes" };
	struct dbus_array array;
	struct err err;

	dbus_put_string(out, "x.scope");
	array = dbus_begin_array(out, 8);
	for (gsize i = 0; i < G_N_ELEMENTS(properties); i++)
		g_assert_cmpint(property_put(out, properties[i], &err), ==, 0);
	property_put_text(out, "Description", "");
	dbus_end_array(out, array);
	array = dbus_begin_array(out, 8);
	dbus_end_array(out, array);
	dbus_put_u32(out, 77);
}

/* Our call behind other bytes, so that alignment is seen to count from its own beginning. */
static void test_written(void)
{
	guint8 buf[2048];
	struct dbus_out out = { .buf = buf, .size = sizeof(buf) };
	const struct dbus_call call = { .destination = "org.example.There",
		                        .path = "/org/example",
		                        .interface = "org.example.Iface",
		                        .member = "Do",
		                        .signature = "sa(sv)a(sa(sv))u",
		                        .serial = 4711 };
	g_autoptr(GDBusMessage) message = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *body = NULL;
	gsize begin;

	dbus_put_bytes(&out, "odd", 3);
	begin = dbus_begin_call(&out, &call);
	put_body(&out);
	dbus_end_call(&out, begin);
	g_assert_false(out.is_full);
	message = g_dbus_message_new_from_blob(buf + 3, out.len - 3, G_DBUS_CAPABILITY_FLAGS_NONE,
	                                       &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_dbus_message_get_serial(message), ==, 4711);
	g_assert_cmpuint(g_dbus_message_get_flags(message), ==, G_DBUS_MESSAGE_FLAGS_NONE);
	g_assert_cmpstr(g_dbus_message_get_destination(message), ==, call.destination);
	g_assert_cmpstr(g_dbus_message_get_path(message), ==, call.path);
	g_assert_cmpstr(g_dbus_message_get_interface(message), ==, call.interface);
	g_assert_cmpstr(g_dbus_message_get_member(message), ==, call.member);
	body = g_variant_print(g_dbus_message_get_body(message), FALSE);
	g_assert_cmpstr(
		body, ==,
		"('x.scope', [('MemoryMax', <uint64 67108864>), ('AllowedCPUs', <[byte 0x0f, 0x02]>), "
		"('IOReadIOPSMax', <[('/dev/a b', uint64 30)]>), ('Slice', <'w\303\266rk.slice'>), "
		"('DelegateControllers', <['io', 'memory']>), ('TasksMax', <uint64 18446744073709551615>), "
		"('Delegate', <true>), "
		"('Description', <''>)], [], 77)");
}

/* A buffer that is too small by any number of bytes is full, and not written beyond. */
static void test_full(void)
{
	guint8 buf[2048];
	struct dbus_out whole = { .buf = buf, .size = sizeof(buf) };

	put_body(&whole);
	for (gsize size = 0; size < whole.len; size++) {
		g_autofree guint8 *small = g_malloc(size + 1);
		struct dbus_out out = { .buf = small, .size = size };

		put_body(&out);
		g_assert_true(out.is_full);
		g_assert_cmpuint(out.len, <=, size);
	}
}

static guchar *make_blob(GDBusMessageType type, gboolean is_big, gsize *len)
{
	g_autoptr(GDBusMessage) message = NULL;
	g_autoptr(GDBusMessage) call =
		g_dbus_message_new_method_call(NULL, "/o", "org.example.I", "Call");
	guchar *blob;

	g_dbus_message_set_serial(call, 0x1234);
	if (type == G_DBUS_MESSAGE_TYPE_SIGNAL) {
		message = g_dbus_message_new_signal("/o", "org.example.I", "Happened");
		g_dbus_message_set_body(message, g_variant_new("(uos)", 5, "/j/1", "done"));
	} else if (type == G_DBUS_MESSAGE_TYPE_ERROR) {
		message =
			g_dbus_message_new_method_error_literal(call, "org.example.No", "because");
	} else {
		message = g_dbus_message_new_method_reply(call);
		g_dbus_message_set_num_unix_fds(message, 0);
	}
	g_dbus_message_set_serial(message, 1);
	g_dbus_message_set_byte_order(message, is_big ? G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN
	                                              : G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
	blob = g_dbus_message_to_blob(message, len, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
	g_assert_nonnull(blob);
	return blob;
}

static void test_read(gconstpointer data)
{
	gboolean is_big = GPOINTER_TO_INT(data);
	struct dbus_message message;
	const char *texts[2];
	gsize len;
	g_autofree guchar *signal = make_blob(G_DBUS_MESSAGE_TYPE_SIGNAL, is_big, &len);
	g_autofree guchar *failure = NULL;
	g_autofree guchar *reply = NULL;

	g_assert_cmpuint(dbus_length(signal), ==, len);
	g_assert_cmpint(dbus_parse(signal, len, &message), ==, 0);
	g_assert_cmpuint(message.type, ==, DBUS_SIGNAL);
	g_assert_cmpstr(message.interface, ==, "org.example.I");
	g_assert_cmpstr(message.member, ==, "Happened");
	g_assert_cmpstr(message.signature, ==, "uos");
	g_assert_cmpint(dbus_body_strings(&message, 1, texts, 2), ==, 0);
	g_assert_cmpstr(texts[0], ==, "/j/1");
	g_assert_cmpstr(texts[1], ==, "done");
	g_assert_cmpint(dbus_body_strings(&message, 3, texts, 2), ==, -EBADMSG);

	failure = make_blob(G_DBUS_MESSAGE_TYPE_ERROR, is_big, &len);
	g_assert_cmpint(dbus_parse(failure, len, &message), ==, 0);
	g_assert_cmpuint(message.type, ==, DBUS_ERROR);
	g_assert_cmpuint(message.reply_serial, ==, 0x1234);
	g_assert_cmpstr(message.error_name, ==, "org.example.No");
	g_assert_cmpint(dbus_body_strings(&message, 0, texts, 1), ==, 0);
	g_assert_cmpstr(texts[0], ==, "because");

	reply = make_blob(G_DBUS_MESSAGE_TYPE_METHOD_RETURN, is_big, &len);
	g_assert_cmpint(dbus_parse(reply, len, &message), ==, 0);
	g_assert_cmpuint(message.type, ==, DBUS_RETURN);
	g_assert_cmpuint(message.reply_serial, ==, 0x1234);
	g_assert_cmpuint(message.body_len, ==, 0);
	g_assert_cmpstr(message.signature, ==, "");
}

/* What is cut, longer than it says, or of another protocol is no message. */
static void test_damaged(void)
{
	struct dbus_message message;
	gsize len;
	g_autofree guchar *blob = make_blob(G_DBUS_MESSAGE_TYPE_SIGNAL, FALSE, &len);
	static const struct {
		gsize at;
		guint8 value;
	} damages[] = {
		{ 0, 'x' },   /* the byte order */
		{ 3, 2 },     /* the protocol */
		{ 7, 0x7f },  /* a body of 2 GB */
		{ 15, 0x7f }, /* header fields of as much */
		{ 12, 1 },    /* fields that end within the first */
		{ 17, 0xff }, /* a signature that is longer than the message */
		{ 18, 'v' },  /* a type that no field has */
		{ 23, 0x7f }, /* a string that is longer than the message */
		{ 24, 0 },    /* a 0 within a string */
	};

	for (gsize cut = 0; cut < len; cut++) {
		g_autofree guint8 *copy = g_memdup2(blob, cut ? cut : 1);

		g_assert_cmpint(dbus_parse(copy, cut, &message), ==, -EBADMSG);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
		g_autofree guint8 *copy = g_memdup2(blob, len);

		copy[damages[i].at] = damages[i].value;
		g_test_message("byte %zu: %02x", damages[i].at, damages[i].value);
		g_assert_cmpint(dbus_parse(copy, len, &message), ==, -EBADMSG);
	}
}

static void test_text(void)
{
	static const char *const texts[] = {
		"",
		"plain",
		"\303\266 \342\202\254 \360\237\230\200 \364\217\277\277",
		"\200",
		"\303",
		"\303(",
		"\300\200",     /* overlong */
		"\340\200\200", /* overlong */
		"\355\240\200", /* a surrogate */
		"\364\220\200\200",
		"\370\210\200\200\200",
		"\342\202",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		g_assert_cmpint(dbus_is_text(texts[i]), ==, g_utf8_validate(texts[i], -1, NULL));
}

static void test_bad_properties(void)
{
	static const struct {
		const char *text;
		const char *part;
	} cases[] = {
		{ "Nonsense=1", "no property is called 'Nonsense'" },
		{ "MemoryMax", "no property is called 'MemoryMax'" },
		{ "MemoryMax=", "property MemoryMax can't be ''" },
		{ "MemoryMax=1M", "property MemoryMax can't be '1M'" },
		{ "AllowedCPUs=x", "property AllowedCPUs can't be 'x'" },
		{ "IOReadIOPSMax=/dev/x", "property IOReadIOPSMax can't be '/dev/x'" },
		{ "IOReadIOPSMax= 5", "property IOReadIOPSMax can't be ' 5'" },
		{ "IOReadIOPSMax=/\377 5", "property IOReadIOPSMax can't be '/\377 5'" },
		{ "Slice=\377", "property Slice can't be '\377'" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		guint8 buf[256];
		struct dbus_out out = { .buf = buf, .size = sizeof(buf) };
		struct err err;

		g_assert_cmpint(property_put(&out, cases[i].text, &err), ==, -EINVAL);
		g_assert_cmpstr(err.subject, ==, cases[i].part);
	}
}

static void assert_address(const char *list, const char *path, gboolean is_abstract)
{
	struct sockaddr_un got;
	const char *rest;
	socklen_t len = bus_address_parse(list, &got, &rest);

	if (!path) {
		g_assert_cmpuint(len, ==, 0);
		return;
	}
	g_assert_cmpuint(len, ==, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(path));
	g_assert_cmpint(got.sun_family, ==, AF_UNIX);
	g_assert_cmpint(is_abstract, ==, got.sun_path[0] == '\0');
	g_assert_cmpmem(got.sun_path + is_abstract, strlen(path), path, strlen(path));
}

static void test_addresses(void)
{
	g_autofree char *longest = g_strnfill(107, 'x');
	g_autofree char *fits = g_strconcat("unix:path=", longest, NULL);
	g_autofree char *too_long = g_strconcat(fits, "x", NULL);
	struct sockaddr_un got;
	const char *rest;

	assert_address("unix:path=/run/user/1000/bus", "/run/user/1000/bus", FALSE);
	assert_address("unix:guid=01,path=/b,x=y", "/b", FALSE);
	assert_address("unix:abstract=/tmp/dbus-1,guid=01", "/tmp/dbus-1", TRUE);
	assert_address("unix:path=/a%20b%2cC%2Cd", "/a b,C,d", FALSE);
	assert_address(fits, longest, FALSE);
	assert_address(too_long, NULL, FALSE);
	assert_address("unix:path=", NULL, FALSE);
	assert_address("unix:path=/a%2", NULL, FALSE);
	assert_address("unix:path=/a%zz", NULL, FALSE);
	assert_address("unix:path=/a%00b", NULL, FALSE);
	assert_address("unix:pathx=/a", NULL, FALSE);
	assert_address("unix:dir=/tmp", NULL, FALSE);
	assert_address("tcp:host=localhost,port=1,path=/a", NULL, FALSE);
	assert_address("", NULL, FALSE);
	g_assert_cmpuint(bus_address_parse("tcp:host=a;unix:path=/b", &got, &rest), ==, 0);
	assert_address(rest, "/b", FALSE);
	g_assert_cmpuint(bus_address_parse(rest, &got, &rest), >, 0);
	g_assert_null(rest);
}

static void test_order(void)
{
	static const struct {
		const char *bus, *dir, *want_direct, *want_bus;
		gboolean want_first;
	} cases[] = {
		{ NULL, NULL, "unix:path=/run/user/7/systemd/private", "unix:path=/run/user/7/bus",
		  TRUE },
		{ "", "", "unix:path=/run/user/7/systemd/private", "unix:path=/run/user/7/bus",
		  TRUE },
		{ "unix:path=/d/bus", "/d", "unix:path=/d/systemd/private", "unix:path=/d/bus",
		  TRUE },
		{ "unix:path=/e/bus", "/d", "unix:path=/d/systemd/private", "unix:path=/e/bus",
		  FALSE },
		{ "unix:path=/a%20%c3%b6/bus", "/a \303\266",
		  "unix:path=/a%20%c3%b6/systemd/private", "unix:path=/a%20%c3%b6/bus", TRUE },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct bus_addresses got;

		bus_addresses_find(&got, cases[i].bus, cases[i].dir, 7);
		g_assert_cmpstr(got.direct, ==, cases[i].want_direct);
		g_assert_cmpstr(got.bus, ==, cases[i].want_bus);
		g_assert_cmpint(got.is_direct_first, ==, cases[i].want_first);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dbus/written", test_written);
	g_test_add_func("/dbus/full", test_full);
	g_test_add_data_func("/dbus/read/little-endian", GINT_TO_POINTER(FALSE), test_read);
	g_test_add_data_func("/dbus/read/big-endian", GINT_TO_POINTER(TRUE), test_read);
	g_test_add_func("/dbus/damaged", test_damaged);
	g_test_add_func("/dbus/text", test_text);
	g_test_add_func("/dbus/bad-properties", test_bad_properties);
	g_test_add_func("/dbus/addresses", test_addresses);
	g_test_add_func("/dbus/order", test_order);
	return g_test_run();
}
