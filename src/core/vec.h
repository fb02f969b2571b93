/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A growing array of equal items, for lists that the command line makes as long as it likes. */
#pragma once

#include <stddef.h>

struct vec {
	void *items;
	size_t len;
	size_t room;
	size_t size; /* of one item */
};

#define VEC_INIT(type)       ((struct vec){ .size = sizeof(type) })
#define VEC_AT(vec, type, i) (((type const *)(vec)->items)[i])

/* Appends a copy of *item. Returns 0 or -ENOMEM. */
int vec_add(struct vec *vec, const void *item);

/* Moves the items from position from on to position to before them; all keep their order otherwise.
 * Returns 0 or -ENOMEM. */
int vec_move_tail(struct vec *vec, size_t from, size_t to);

void vec_free(struct vec *vec);
