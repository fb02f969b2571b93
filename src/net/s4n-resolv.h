/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As slirp4netns there is no monitor to ask for the host's name servers, so a small process stays
 * outside of the confinement to tell them. */
#pragma once

#include "core/err.h"

/* Starts it: it ends with the other end of *ret_sock, which is close-on-exec. Returns 0 or -errno
 * with err set. */
int s4n_resolv_start(int *ret_sock, struct err *err);
