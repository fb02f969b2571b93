/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources: host paths and descriptors, opened once as O_PATH and mounted from there. */
#pragma once

#include <stdbool.h>

#include "core/err.h"

struct op;

enum {
	SOURCE_NONE = -1,        /* the operation has none */
	SOURCE_ABSENT = -100000, /* missing, and the plan says that this is no error */
	SOURCE_LATER = -100001   /* not opened yet */
};

/* Whether the operation has a source in the mount tree (--file and --bind-data read theirs). */
bool source_is_needed(const struct op *op);

/* Opens the source at path (not looked at where the operation has a descriptor). Should: run in the
 * namespace that it is to be mounted in. Returns an O_PATH descriptor, SOURCE_ABSENT, or -errno
 * with err set. */
int source_open(const struct op *op, const char *path, struct err *err);
