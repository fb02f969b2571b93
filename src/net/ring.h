/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes on their way, first in first out, in memory that grows up to a limit. Pure but for malloc.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { RING_FIRST = 16 * 1024 }; /* bytes of the smallest */

struct ring {
	uint8_t *base; /* NULL while nothing was ever in it */
	size_t size;
	size_t start;
	size_t used;
};

/* Makes room for some more, and for `want` bytes if max (a power of two) allows: how many there is
 * room for now, which may be fewer, and 0 without memory. */
size_t ring_reserve(struct ring *ring, size_t want, size_t max);

/* The free room, or the bytes [from, from + len) that are in it, as one or two pieces: how many. */
int ring_room(const struct ring *ring, struct iovec iov[2]);
int ring_bytes(const struct ring *ring, size_t from, size_t len, struct iovec iov[2]);

/* Takes len bytes, that were written where ring_room() said, into account. */
void ring_added(struct ring *ring, size_t len);

/* Copies len bytes in, for which there is room; put: so many bytes after the end, where they stay
 * until they are added, or the memory grows. */
void ring_add(struct ring *ring, const uint8_t *data, size_t len);
void ring_put(struct ring *ring, size_t ahead, const uint8_t *data, size_t len);

/* Forgets the first len bytes. */
void ring_drop(struct ring *ring, size_t len);

/* Begins at the beginning again if it is empty, so that pieces stay whole and the cache warm. */
void ring_rewind(struct ring *ring);

void ring_free(struct ring *ring);
