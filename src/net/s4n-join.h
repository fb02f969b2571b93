/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tap in somebody else's network namespace, made by a child that joins it. */
#pragma once

struct err;
struct netdev_conf;
struct s4n_args;

/* Opens (and with --configure sets up) the tap in the target's namespace; conf->mac is its
 * address then. The descriptor goes to *ret_fd. */
int s4n_join_tap(const struct s4n_args *args, struct netdev_conf *conf, int *ret_fd,
                 struct err *err);
