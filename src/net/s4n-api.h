/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * slirp4netns' API socket: one JSON object per connection, as
 * {"execute":"add_hostfwd","arguments":{"proto":"tcp","host_port":8080,"guest_port":80}},
 * also "list_hostfwd" and "remove_hostfwd".
 */
#pragma once

struct engine;
struct err;

/* Starts to listen at path: 0 or -errno. The listener lives as long as the engine. */
int s4n_api_listen(struct engine *engine, const char *path, struct err *err);
