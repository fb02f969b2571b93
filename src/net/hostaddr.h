/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's own addresses, read over rtnetlink(7) and kept up to date in the engine's policy. */
#pragma once

struct engine;
struct hostaddr;

/* Reads them now and whenever they change: 0 or -errno (also in errno). */
int hostaddr_new(struct engine *engine, struct hostaddr **ret);
void hostaddr_free(struct hostaddr *hostaddr);
