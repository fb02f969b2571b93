/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope-bound ownership: a variable marked cleanup_x gives its resource back when it goes out of
 * scope; steal_x() takes the resource out of such a variable to hand it on.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_fn(void *p)
{
	free(*(void **)p);
}

/* Keeps errno, so that a failing call's reason outlives the cleaning up. */
static inline void cleanup_fd_fn(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline int steal_fd(int *fd)
{
	int ret = *fd;

	*fd = -1;
	return ret;
}

static inline void *steal_ptr_fn(void *p)
{
	void **pp = p;
	void *ret = *pp;

	*pp = NULL;
	return ret;
}

#define cleanup_free __attribute__((cleanup(cleanup_free_fn)))
#define cleanup_fd   __attribute__((cleanup(cleanup_fd_fn)))
#define steal_ptr(p) ((__typeof__(*(p)))steal_ptr_fn(p))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
