/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oci/json.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"

enum { DEPTH_MAX = 16, PLACE_MAX = 512, UINT64_DIGITS = 20 };

static int fail_at_offset(const char *text, size_t offset, const char *why, struct err *err)
{
	size_t i, line = 1, column = 1;

	for (i = 0; i < offset; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	return err_text(err, 0, "line %zu, column %zu: %s", line, column, why);
}

/* json-c turns every integer that does not fit into the largest that does. */
static int check_digits(const char *text, size_t len, struct err *err)
{
	static const char largest[] = "18446744073709551615";
	bool quoted = false;
	size_t i, run = 0;

	for (i = 0; i < len; i++) {
		if (quoted && text[i] == '\\') {
			i++;
			continue;
		}
		if (text[i] == '"')
			quoted = !quoted;
		run = !quoted && isdigit((unsigned char)text[i]) ? run + 1 : 0;
		if (run > UINT64_DIGITS || (run == UINT64_DIGITS &&
		                            memcmp(text + i + 1 - run, largest, UINT64_DIGITS) > 0))
			return fail_at_offset(text, i + 1 - run, "number too large", err);
	}
	return 0;
}

int json_text(const char *text, size_t len, struct json_object **ret, struct err *err)
{
	struct json_tokener *tokener;
	struct json_object *json;
	enum json_tokener_error why;
	size_t end;
	int r;

	r = check_digits(text, len, err);
	if (r < 0)
		return r;
	if (memchr(text, '\0', len))
		return err_text(err, 0, "holds a NUL byte, so it is no JSON");
	tokener = json_tokener_new_ex(DEPTH_MAX);
	if (!tokener)
		return err_text(err, ENOMEM, "read JSON");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json = json_tokener_parse_ex(tokener, text, (int)len);
	why = json_tokener_get_error(tokener);
	/* a number may go on; the end of the text has to be said */
	if (why == json_tokener_continue) {
		json = json_tokener_parse_ex(tokener, "", 1);
		why = json_tokener_get_error(tokener);
		end = len;
	} else {
		end = json_tokener_get_parse_end(tokener);
	}
	json_tokener_free(tokener);
	if (why == json_tokener_success && json) {
		*ret = json;
		return 0;
	}
	json_object_put(json);
	return fail_at_offset(text, end < len ? end : len,
	                      why == json_tokener_success ? "an object is wanted, not null"
	                                                  : json_tokener_error_desc(why),
	                      err);
}

static void format_place(const struct json_place *place, char *buf, size_t size)
{
	size_t len;

	if (!place->up) {
		buf[0] = '\0';
		return;
	}
	format_place(place->up, buf, size);
	len = strlen(buf);
	if (place->key)
		snprintf(buf + len, size - len, "%s%s", len ? "." : "", place->key);
	else
		snprintf(buf + len, size - len, "[%zu]", place->index);
}

int json_fail(const struct json_at *at, struct err *err, const char *fmt, ...)
{
	char place[PLACE_MAX], message[2 * PLACE_MAX];
	va_list ap;

	format_place(&at->place, place, sizeof(place));
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return err_text(err, 0, "%s: %s", place[0] ? place : "profile", message);
}

struct json_at json_member(const struct json_at *at, const char *key)
{
	struct json_at ret = { NULL, { &at->place, key, 0 } };

	json_object_object_get_ex(at->value, key, &ret.value);
	return ret;
}

struct json_at json_element(const struct json_at *at, size_t index)
{
	return (struct json_at){ json_object_array_get_idx(at->value, index),
		                 { &at->place, NULL, index } };
}

static bool is_listed(const char *const *keys, const char *key)
{
	for (; *keys; keys++)
		if (strcmp(*keys, key) == 0)
			return true;
	return false;
}

static void join_words(const char *const *words, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (; *words && len < size; words++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", *words);
}

int json_check_object(const struct json_at *at, const char *const *keys, struct err *err)
{
	struct json_object_iterator it, end;
	char known[PLACE_MAX];

	if (!json_object_is_type(at->value, json_type_object))
		return json_fail(at, err, "an object is wanted, not '%.64s'",
		                 json_object_to_json_string(at->value));
	it = json_object_iter_begin(at->value);
	end = json_object_iter_end(at->value);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		const char *key = json_object_iter_peek_name(&it);

		if (is_listed(keys, key))
			continue;
		join_words(keys, known, sizeof(known));
		return json_fail(at, err, "unknown member '%.64s' (known: %s)", key, known);
	}
	return 0;
}

int json_get_array(const struct json_at *at, size_t *ret_len, struct err *err)
{
	*ret_len = 0;
	if (!at->value)
		return 0;
	if (!json_object_is_type(at->value, json_type_array))
		return json_fail(at, err, "an array is wanted, not '%.64s'",
		                 json_object_to_json_string(at->value));
	*ret_len = json_object_array_length(at->value);
	return 0;
}

int json_get_string(const struct json_at *at, const char **ret, struct err *err)
{
	if (!json_object_is_type(at->value, json_type_string))
		return json_fail(at, err, "a string is wanted, not '%.64s'",
		                 json_object_to_json_string(at->value));
	*ret = json_object_get_string(at->value);
	if (strlen(*ret) != (size_t)json_object_get_string_len(at->value))
		return json_fail(at, err, "the string holds a NUL");
	return 0;
}

int json_get_uint(const struct json_at *at, uint64_t max, uint64_t *ret, struct err *err)
{
	uint64_t value;

	if (!json_object_is_type(at->value, json_type_int) || json_object_get_int64(at->value) < 0)
		return json_fail(at, err, "a whole number from 0 to %llu is wanted, not '%.64s'",
		                 (unsigned long long)max, json_object_to_json_string(at->value));
	value = json_object_get_uint64(at->value);
	if (value > max)
		return json_fail(at, err, "%llu is too large, the most is %llu",
		                 (unsigned long long)value, (unsigned long long)max);
	*ret = value;
	return 0;
}
