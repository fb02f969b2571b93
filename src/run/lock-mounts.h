/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts that who may mount cannot undo. */
#pragma once

#include "core/err.h"

struct run;

/* Where the payload keeps CAP_SYS_ADMIN over its mounts: moves to a copy of the mount namespace in
 * which no mount can be removed or lose ro, nosuid, nodev or noexec (mount_namespaces(7),
 * restrictions on mount namespaces). Should: come after the last mount. Closes what it opens, and
 * goes to the root directory. Returns 0 or -errno. */
int lock_mounts(const struct run *run, struct err *err);
