/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fast path: TCP connections that the sandbox's own kernel has redirected to a listener in its
 * network namespace, judged by the same policy, and joined to a connection of the host's by
 * splice(2). Works in threads of its own, several because one core is soon too little.
 */
#pragma once

struct err;
struct netlog;
struct policy;
struct splicers;

/* Starts the threads, which then wait for listeners: before seccomp forbids it. 0 or -errno. */
int splicers_start(struct policy *policy, struct netlog *log, struct splicers **ret,
                   struct err *err);

/* Gives them a listening, non-blocking socket; owned from now on. 0 or -errno. */
int splicers_listen(struct splicers *splicers, int fd);
