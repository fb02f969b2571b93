/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the kernel's socket addresses and ours. Ports in host order. Pure. */
#pragma once

#include <sys/socket.h>

#include "core/parse-net.h"

/* 0, or -EAFNOSUPPORT. */
int sockaddr_from(const struct sockaddr *sa, struct net_addr *ret, unsigned short *ret_port);

/* The length of what was written. */
socklen_t sockaddr_to(const struct net_addr *addr, unsigned short port,
                      struct sockaddr_storage *ret);
