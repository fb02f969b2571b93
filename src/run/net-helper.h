/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/err.h"

struct net;

/* Starts sbx-net in a user and a pid namespace of its own, with nothing but its end of the control
 * socket and standard error: 0 or -errno. One that cannot be executed says so on the socket. */
int net_helper_start(struct net *ret, struct err *err);
