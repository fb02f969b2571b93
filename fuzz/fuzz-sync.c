/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a message between the stages: they are refused, or they are a message that can be
 * printed. An error that unpacks packs into the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "run/sync.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_error(const char *bytes, size_t size)
{
	char packed[ERR_PACKED_MAX];
	char text[ERR_LINE_MAX];
	struct err err;

	if (err_unpack(&err, bytes, size) < 0)
		return;
	if (err_pack(&err, packed) != size || memcmp(packed, bytes, size) != 0)
		abort();
	err_format(&err, PERSONALITY_NATIVE, text, sizeof(text));
	err_format(&err, PERSONALITY_BWRAP, text, sizeof(text));
}

static void try_message(const uint8_t *data, size_t size)
{
	struct sync_message message = { 0 };
	char text[ERR_LINE_MAX];
	int pair[2];
	int r;

	if (sync_pair(pair) < 0)
		return;
	if (size && send(pair[0], data, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size) {
		r = sync_receive(pair[1], true, &message);
		if (r > 0 && message.kind == SYNC_FAILED)
			err_format(&message.err, PERSONALITY_NATIVE, text, sizeof(text));
		if (sync_receive(pair[1], true, &message) > 0)
			abort();
	}
	close(pair[0]);
	if (sync_receive(pair[1], true, &message) != 0)
		abort();
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy, so that a byte too far is seen */
	char *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	try_error(copy, size);
	try_message(data, size);
	free(copy);
	return 0;
}
