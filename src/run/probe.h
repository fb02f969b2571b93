/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/err.h"

struct host;
struct plan;

/* Fills host with the facts that this plan can depend on; changes nothing. Returns 0 or -errno. */
int probe_host(struct host *host, const struct plan *plan, struct err *err);

/* The made-up machine of the golden tests: uid and gid 1000, a merged /usr, a terminal for --pty.
 */
void probe_fake(struct host *host, const struct plan *plan);

void host_free(struct host *host);
