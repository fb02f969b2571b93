/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Typed access to a JSON tree, with errors that name the place: "syscalls[3].args[0].op".
 * What an accessor returns lives as long as the tree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct json_object;

/* Where a value stands: a member of, or an element in, the value that up stands for. */
struct json_place {
	const struct json_place *up;
	const char *key; /* NULL for an element */
	size_t index;
};

struct json_at {
	struct json_object *value; /* NULL for a missing member */
	struct json_place place;
};

/* Parses a whole text of at most INT_MAX bytes; the caller releases it with json_object_put. */
int json_text(const char *text, size_t len, struct json_object **ret, struct err *err);

/* Fails with "PLACE: " and the message; returns -EINVAL. */
int json_fail(const struct json_at *at, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The member, with a NULL value when it is missing or null. at must be an object. */
struct json_at json_member(const struct json_at *at, const char *key);
struct json_at json_element(const struct json_at *at, size_t index);

/* Checks that at is an object with members out of keys only (which ends with NULL). */
int json_check_object(const struct json_at *at, const char *const *keys, struct err *err);

/* An array and its length; a missing one has none. */
int json_get_array(const struct json_at *at, size_t *ret_len, struct err *err);

/* A string without NUL bytes; an integer from 0 to max. Both must be there. */
int json_get_string(const struct json_at *at, const char **ret, struct err *err);
int json_get_uint(const struct json_at *at, uint64_t max, uint64_t *ret, struct err *err);
