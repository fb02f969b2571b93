/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper's one thread of control: an epoll loop that drains the tap, hands each frame to whom
 * the filter says, and lets every host socket have its turn in each round.
 */
#pragma once

struct engine;
struct err;
struct net_config;

/* Makes an engine and its parts from the config, without a tap yet: 0 or -errno. The engine is
 * freed by loop_free(), which takes NULL. */
int loop_new(const struct net_config *config, struct engine **ret, struct err *err);
void loop_free(struct engine *engine);

/* Runs until engine->quit is set: 0, or -errno when the tap is gone. */
int loop_run(struct engine *engine, struct err *err);
