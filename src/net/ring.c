/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/ring.h"

#include <stdlib.h>
#include <string.h>

static int pieces(const struct ring *ring, size_t at, size_t len, struct iovec iov[2])
{
	size_t first = ring->size - at;

	if (len == 0)
		return 0;
	if (len <= first) {
		iov[0] = (struct iovec){ ring->base + at, len };
		return 1;
	}
	iov[0] = (struct iovec){ ring->base + at, first };
	iov[1] = (struct iovec){ ring->base, len - first };
	return 2;
}

static size_t wrap(const struct ring *ring, size_t at)
{
	return at >= ring->size ? at - ring->size : at;
}

int ring_room(const struct ring *ring, struct iovec iov[2])
{
	return pieces(ring, wrap(ring, ring->start + ring->used), ring->size - ring->used, iov);
}

int ring_bytes(const struct ring *ring, size_t from, size_t len, struct iovec iov[2])
{
	return pieces(ring, wrap(ring, ring->start + from), len, iov);
}

/* Moves what is in it to the beginning of larger memory; without that, all stays as it is. */
static void grow(struct ring *ring, size_t size)
{
	struct iovec iov[2];
	int n = ring_bytes(ring, 0, ring->used, iov);
	uint8_t *base = malloc(size);
	size_t at = 0;

	if (!base)
		return;
	for (int i = 0; i < n; i++) {
		memcpy(base + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	free(ring->base);
	*ring = (struct ring){ .base = base, .size = size, .used = ring->used };
}

size_t ring_reserve(struct ring *ring, size_t want, size_t max)
{
	size_t size = ring->size ? ring->size : RING_FIRST;

	while (size < max && size - ring->used < want)
		size *= 2;
	if (size > ring->size && size <= max)
		grow(ring, size);
	return ring->size - ring->used;
}

void ring_added(struct ring *ring, size_t len)
{
	ring->used += len;
}

void ring_put(struct ring *ring, size_t ahead, const uint8_t *data, size_t len)
{
	struct iovec iov[2];
	int n = ring_bytes(ring, ring->used + ahead, len, iov);

	for (int i = 0; i < n; i++) {
		memcpy(iov[i].iov_base, data, iov[i].iov_len);
		data += iov[i].iov_len;
	}
}

void ring_add(struct ring *ring, const uint8_t *data, size_t len)
{
	ring_put(ring, 0, data, len);
	ring->used += len;
}

void ring_rewind(struct ring *ring)
{
	if (ring->used == 0)
		ring->start = 0;
}

void ring_drop(struct ring *ring, size_t len)
{
	ring->used -= len;
	ring->start = wrap(ring, ring->start + len);
}

void ring_free(struct ring *ring)
{
	free(ring->base);
	*ring = (struct ring){ 0 };
}
