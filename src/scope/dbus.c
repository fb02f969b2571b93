/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope/dbus.h"

#include <errno.h>
#include <string.h>

enum {
	TYPE_CALL = 1,
	PROTOCOL = 1,
	FIELD_PATH = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_ERROR_NAME = 4,
	FIELD_REPLY_SERIAL = 5,
	FIELD_DESTINATION = 6,
	FIELD_SIGNATURE = 8,
	BODY_LENGTH_AT = 4,
	FIELDS_LENGTH_AT = 12,
	MESSAGE_MAX = 1 << 27,
};

static const char native_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B';

void dbus_put_bytes(struct dbus_out *out, const void *data, size_t len)
{
	if (out->is_full || len > out->size - out->len) {
		out->is_full = true;
		return;
	}
	if (len > 0)
		memcpy(out->buf + out->len, data, len);
	out->len += len;
}

static void pad(struct dbus_out *out, size_t alignment)
{
	static const uint8_t zeros[8] = { 0 };

	dbus_put_bytes(out, zeros, (alignment - (out->len - out->base) % alignment) % alignment);
}

static void put_byte(struct dbus_out *out, unsigned int value)
{
	dbus_put_bytes(out, &(uint8_t){ (uint8_t)value }, 1);
}

void dbus_put_u32(struct dbus_out *out, uint32_t value)
{
	pad(out, sizeof(value));
	dbus_put_bytes(out, &value, sizeof(value));
}

void dbus_put_u64(struct dbus_out *out, uint64_t value)
{
	pad(out, sizeof(value));
	dbus_put_bytes(out, &value, sizeof(value));
}

void dbus_put_string(struct dbus_out *out, const char *text)
{
	size_t len = strlen(text);

	dbus_put_u32(out, (uint32_t)len);
	dbus_put_bytes(out, text, len + 1);
}

void dbus_put_signature(struct dbus_out *out, const char *text)
{
	size_t len = strlen(text);

	put_byte(out, (unsigned int)len);
	dbus_put_bytes(out, text, len + 1);
}

void dbus_put_struct(struct dbus_out *out)
{
	pad(out, 8);
}

static void set_u32(struct dbus_out *out, size_t at, uint32_t value)
{
	if (!out->is_full)
		memcpy(out->buf + at, &value, sizeof(value));
}

/* The padding before the first element is no part of the length, and is there without one, too. */
struct dbus_array dbus_begin_array(struct dbus_out *out, size_t element_alignment)
{
	struct dbus_array array;

	dbus_put_u32(out, 0);
	array.length_at = out->len - sizeof(uint32_t);
	pad(out, element_alignment);
	array.start = out->len;
	return array;
}

void dbus_end_array(struct dbus_out *out, struct dbus_array array)
{
	set_u32(out, array.length_at, (uint32_t)(out->len - array.start));
}

/* The length of the UTF-8 sequence that text begins with, 0 when it is none (RFC 3629). */
static size_t sequence_length(const unsigned char *text)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 }
	};

	for (size_t len = 1; len <= 4; len++) {
		uint32_t code = text[0] & (unsigned char)~forms[len - 1].mask;

		if ((text[0] & forms[len - 1].mask) != forms[len - 1].lead)
			continue;
		for (size_t i = 1; i < len; i++) {
			if ((text[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (text[i] & 0x3f);
		}
		if (code < forms[len - 1].least || code > 0x10ffff || code >> 11 == 0xd800 >> 11)
			return 0;
		return len;
	}
	return 0;
}

bool dbus_is_text(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		size_t len = sequence_length(p);

		if (!len)
			return false;
		p += len;
	}
	return true;
}

static void put_field(struct dbus_out *out, unsigned int field, const char *type, const char *text)
{
	if (!text)
		return;
	dbus_put_struct(out);
	put_byte(out, field);
	dbus_put_signature(out, type);
	if (*type == 'g')
		dbus_put_signature(out, text);
	else
		dbus_put_string(out, text);
}

size_t dbus_begin_call(struct dbus_out *out, const struct dbus_call *call)
{
	const uint8_t head[] = { (uint8_t)native_order, TYPE_CALL, 0, PROTOCOL };
	struct dbus_array fields;

	out->base = out->len;
	dbus_put_bytes(out, head, sizeof(head));
	dbus_put_u32(out, 0);
	dbus_put_u32(out, call->serial);
	fields = dbus_begin_array(out, 8);
	put_field(out, FIELD_PATH, "o", call->path);
	put_field(out, FIELD_INTERFACE, "s", call->interface);
	put_field(out, FIELD_MEMBER, "s", call->member);
	put_field(out, FIELD_DESTINATION, "s", call->destination);
	put_field(out, FIELD_SIGNATURE, "g", call->signature);
	dbus_end_array(out, fields);
	pad(out, 8);
	return out->len;
}

void dbus_end_call(struct dbus_out *out, size_t begin)
{
	set_u32(out, out->base + BODY_LENGTH_AT, (uint32_t)(out->len - begin));
}

/* Bytes being read. What is not there makes is_bad true, and everything after it 0 and "". */
struct reader {
	const uint8_t *data;
	size_t len, at;
	bool swapped, is_bad;
};

static const uint8_t *take(struct reader *in, size_t alignment, size_t len)
{
	size_t at = (in->at + alignment - 1) / alignment * alignment;

	if (in->is_bad || at > in->len || len > in->len - at) {
		in->is_bad = true;
		return NULL;
	}
	in->at = at + len;
	return in->data + at;
}

static unsigned int take_byte(struct reader *in)
{
	const uint8_t *p = take(in, 1, 1);

	return p ? *p : 0;
}

static uint32_t take_u32(struct reader *in)
{
	const uint8_t *p = take(in, sizeof(uint32_t), sizeof(uint32_t));
	uint32_t value = 0;

	if (p)
		memcpy(&value, p, sizeof(value));
	return in->swapped ? __builtin_bswap32(value) : value;
}

/* Text of len bytes, its 0 behind it. */
static const char *take_text(struct reader *in, size_t len)
{
	const uint8_t *p = take(in, 1, len + 1);

	if (p && !memchr(p, '\0', len) && p[len] == '\0')
		return (const char *)p;
	in->is_bad = true;
	return "";
}

static const char *take_string(struct reader *in)
{
	return take_text(in, take_u32(in));
}

static const char *take_signature(struct reader *in)
{
	return take_text(in, take_byte(in));
}

/* One header field. Those that we do not know may be skipped when they are of a known type. */
static void take_field(struct reader *in, struct dbus_message *message)
{
	unsigned int field;
	const char *type;

	(void)take(in, 8, 0);
	field = take_byte(in);
	type = take_signature(in);
	if (strcmp(type, "u") == 0) {
		uint32_t value = take_u32(in);

		if (field == FIELD_REPLY_SERIAL)
			message->reply_serial = value;
	} else if (strcmp(type, "s") == 0 || strcmp(type, "o") == 0) {
		const char *text = take_string(in);

		if (field == FIELD_INTERFACE)
			message->interface = text;
		else if (field == FIELD_MEMBER)
			message->member = text;
		else if (field == FIELD_ERROR_NAME)
			message->error_name = text;
	} else if (strcmp(type, "g") == 0) {
		const char *text = take_signature(in);

		if (field == FIELD_SIGNATURE)
			message->signature = text;
	} else {
		in->is_bad = true;
	}
}

static uint32_t head_u32(const uint8_t *head, size_t at)
{
	uint32_t value;

	memcpy(&value, head + at, sizeof(value));
	return head[0] == native_order ? value : __builtin_bswap32(value);
}

size_t dbus_length(const uint8_t head[DBUS_HEAD_LEN])
{
	size_t body = head_u32(head, BODY_LENGTH_AT);
	size_t fields = head_u32(head, FIELDS_LENGTH_AT);

	if ((head[0] != 'l' && head[0] != 'B') || head[3] != PROTOCOL || body > MESSAGE_MAX ||
	    fields > MESSAGE_MAX)
		return 0;
	return DBUS_HEAD_LEN + (fields + 7) / 8 * 8 + body;
}

int dbus_parse(const uint8_t *data, size_t len, struct dbus_message *ret)
{
	struct reader in = { .data = data, .len = len, .at = DBUS_HEAD_LEN };
	size_t end;

	*ret = (struct dbus_message){
		.interface = "", .member = "", .error_name = "", .signature = ""
	};
	if (len < DBUS_HEAD_LEN || dbus_length(data) != len)
		return -EBADMSG;
	in.swapped = ret->swapped = data[0] != (uint8_t)native_order;
	ret->type = data[1];
	end = DBUS_HEAD_LEN + head_u32(data, FIELDS_LENGTH_AT);
	in.len = end;
	while (!in.is_bad && in.at < end)
		take_field(&in, ret);
	end = (end + 7) / 8 * 8;
	ret->body = data + end;
	ret->body_len = len - end;
	return in.is_bad ? -EBADMSG : 0;
}

int dbus_body_strings(const struct dbus_message *message, size_t skip, const char **ret,
                      size_t count)
{
	struct reader in = { .data = message->body,
		             .len = message->body_len,
		             .swapped = message->swapped };

	for (size_t i = 0; i < skip; i++)
		(void)take_u32(&in);
	for (size_t i = 0; i < count; i++)
		ret[i] = take_string(&in);
	return in.is_bad ? -EBADMSG : 0;
}
