/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's name servers, and telling them to a network helper, which cannot read files. */
#pragma once

#include <stddef.h>

struct net_addr;

/* Those that resolv.conf(5) names now, at most max: how many. */
size_t resolvers_read(struct net_addr *ret, size_t max);

/* Answers one question of a helper on sock: a byte is one, and the answer is "dns" and an address a
 * line. flags are recv(2)'s. Returns 1, 0 when there was none after all, or -EPIPE when none will
 * come. */
int resolvers_answer(int sock, int flags);
