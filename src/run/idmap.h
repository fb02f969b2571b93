/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The id maps of a user namespace that a process of ours has just made for itself. */
#pragma once

#include <sys/types.h>

/* Makes the caller root in there: uid and gid are what it is outside. Returns 0 or -errno. */
int idmap_become_root(uid_t uid, gid_t gid);
