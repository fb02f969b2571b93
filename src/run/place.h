/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which place of the mount tree a descriptor stands for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct place {
	uint64_t ino;
	uint64_t mnt_id; /* 0: nobody tells */
	uint32_t dev_major, dev_minor;
	unsigned int mode; /* st_mode */
};

/* Takes any descriptor, O_PATH too. Returns 0 or -errno. */
int place_find(int fd, struct place *ret);

/* The same without mnt_id, by fstat(2): statx(2) is Linux 4.11, and filters that do not know it
 * take it away. */
int place_stat(int fd, struct place *ret);

/* The same file is not enough: what one mount shows may be bound elsewhere, too. Where
 * nobody tells mounts apart, the files have the answer. */
bool place_is_same(const struct place *a, const struct place *b);
