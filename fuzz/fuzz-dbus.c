/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as what a manager sends, as a D-Bus address and as a unit's property: they are refused,
 * or they are taken apart within their bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/bus-address.h"
#include "core/err.h"
#include "scope/dbus.h"
#include "scope/property.h"
#include "scope/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct dbus_message *message)
{
	const char *texts[3];
	size_t sum = strlen(message->interface) + strlen(message->member) +
	             strlen(message->error_name) + strlen(message->signature);

	for (size_t count = 1; count <= 3; count++) {
		if (dbus_body_strings(message, count - 1, texts, count) < 0)
			continue;
		for (size_t i = 0; i < count; i++)
			sum += strlen(texts[i]);
	}
	/* nothing is longer than all that came in, each text counted as often as it is asked for */
	if (sum > sizeof(((struct wire *)NULL)->in) * 16)
		abort();
}

static void try_message(const uint8_t *data, size_t size)
{
	struct dbus_message message;

	if (size >= DBUS_HEAD_LEN && dbus_parse(data, size, &message) == 0)
		read_all(&message);
}

/* With the manager's side of the greeting in front, and then as they are. */
static void try_stream(const uint8_t *data, size_t size, bool is_greeted)
{
	static const char greeting[] = "OK 5b785b785b785b785b785b785b785b78\r\n";
	static struct wire wire;
	struct dbus_message message;
	struct err err;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	wire_init(&wire, -1, 10000);
	if (is_greeted)
		(void)!write(pair[1], greeting, strlen(greeting));
	if (size)
		(void)!write(pair[1], data, size);
	(void)shutdown(pair[1], SHUT_WR);
	if (wire_adopt(&wire, pair[0], &err) == WIRE_OK) {
		enum wire_result result;

		while ((result = wire_receive(&wire, &message, &err)) == WIRE_OK)
			read_all(&message);
		/* there is an end, and it is seen */
		if (result == WIRE_LATE)
			abort();
	}
	close(pair[0]);
	close(pair[1]);
}

static void try_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	uint8_t buf[512];
	struct dbus_out out = { .buf = buf, .size = sizeof(buf) };
	struct bus_addresses addresses;
	struct sockaddr_un socket_address;
	struct err err;

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	bus_addresses_find(&addresses, NULL, text, 1000);
	bus_addresses_find(&addresses, text, NULL, 1000);
	for (const char *rest = text; rest;) {
		socklen_t len = bus_address_parse(rest, &socket_address, &rest);

		if (len > sizeof(socket_address))
			abort();
	}
	(void)property_put(&out, text, &err);
	if (out.len > out.size)
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy, so that a byte too far is seen */
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	try_message(copy, size);
	try_stream(copy, size, true);
	try_stream(copy, size, false);
	try_text(copy, size);
	free(copy);
	return 0;
}
