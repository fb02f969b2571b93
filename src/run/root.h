/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The new root: a tmpfs stacked on the old "/", so that the host's tree stays as it is for sources
 * and no host path lies below the root that destinations are resolved in.
 */
#pragma once

#include "core/err.h"
#include "run/lookup.h"

struct plan;

/* Makes the tmpfs. Should: be called with a mount namespace of our own, umask 0. Returns 0 or
 * -errno. */
int root_begin(struct root *root, const struct plan *plan, struct err *err);

/* What was mounted on the destination "/" becomes the root for what follows; takes over fd. */
void root_replace(struct root *root, int fd);

/* Makes the new root the process's root, with the old one detached; the cwd is the new root.
 * Mustn't: be followed by a lookup of a host path. Returns 0 or -errno. */
int root_pivot(struct root *root, struct err *err);

void root_close(struct root *root);
