/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Just enough JSON to take a member out of an object. Pure and total; nesting is bounded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether text begins with an object that ends. */
bool json_is_object(const char *text, size_t len);

/* Finds a member of the object that text (len bytes) is: the value's first byte and *ret_len, or
 * NULL if there is none or text is no object. */
const char *json_member(const char *text, size_t len, const char *name, size_t *ret_len);

/* A value as a string without escapes (size bytes of dst), or as a whole number: 0 or -EINVAL. */
int json_string(const char *value, size_t len, char *dst, size_t size);
int json_uint(const char *value, size_t len, uint64_t max, uint64_t *ret);
