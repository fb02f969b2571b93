/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vec_add(struct vec *vec, const void *item)
{
	if (vec->len == vec->room) {
		size_t room = vec->room ? vec->room * 2 : 8;
		void *items = reallocarray(vec->items, room, vec->size);

		if (!items)
			return -ENOMEM;
		vec->items = items;
		vec->room = room;
	}
	memcpy((char *)vec->items + vec->len * vec->size, item, vec->size);
	vec->len++;
	return 0;
}

int vec_move_tail(struct vec *vec, size_t from, size_t to)
{
	size_t tail = (vec->len - from) * vec->size;
	char *at = (char *)vec->items + to * vec->size;
	char *copy;

	if (from == to || tail == 0)
		return 0;
	copy = malloc(tail);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, at + (from - to) * vec->size, tail);
	memmove(at + tail, at, (from - to) * vec->size);
	memcpy(at, copy, tail);
	free(copy);
	return 0;
}

void vec_free(struct vec *vec)
{
	free(vec->items);
	*vec = (struct vec){ .size = vec->size };
}
