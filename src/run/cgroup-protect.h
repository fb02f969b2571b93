/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What keeps a payload from writing the files that hold its own limits. */
#pragma once

#include <stdbool.h>

#include "core/err.h"

/* Makes every cgroup2 mount in sight read-only. Without it a payload that was given the host's
 * tree, as by --bind / /, could lift its limits: the files are its user's own. proc_fd is a /proc
 * of this pid namespace or one above. Should: be called with CAP_SYS_ADMIN, in the new root.
 * Returns 0 or -errno with err set. */
int cgroup_protect_mounts(int proc_fd, struct err *err);

/* Mounts the tree below the cgroup namespace's root on /sys/fs/cgroup of the new root, for a
 * payload that may manage it. Should: be called in that namespace. Returns 0 or -errno with err
 * set. */
int cgroup_mount_own(struct err *err);
