/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's own network, as seen by the stages: the launcher binds the published ports and
 * starts the helper, a child of the monitor's (netns.h) or else the set-up makes the device, the
 * set-up waits until the helper says it carries it, the monitor sees it die and ends it. The
 * conversation is described in net/control.h.
 */
#pragma once

#include <sys/types.h>

#include "core/err.h"

struct host;
struct plan;
struct run;

struct net {
	pid_t pid;   /* of the helper; 0: there is none */
	int control; /* our end; the helper's life line. -1: there is none */
	int ask;     /* where the helper asks for the host's name servers; -1: there is none */
};

#define NET_NONE ((struct net){ .control = -1, .ask = -1 })

/* Launcher. Should: refuse a port that is taken before anything runs. Without --net user it does
 * nothing; a helper that net has already is used. Returns 0 or -errno. */
int net_start(const struct plan *plan, const struct host *host, struct net *net, struct err *err);

enum { NET_DEVICE_FDS = 3 };

/* The device, and the listeners of the fast path for IPv4 and IPv6, if they could be had. */
struct net_device {
	size_t count;
	int fds[NET_DEVICE_FDS];
};

/* In the new network namespace, with the host's /dev and /proc still there: makes it, with its
 * addresses and routes. */
int net_device_make(const struct plan *plan, struct net_device *ret, struct err *err);
void net_device_close(struct net_device *device);

/* Sends the device to the helper behind control. It stays the caller's. */
int net_device_hand_over(int control, const struct net_device *device, struct err *err);

/* Set-up, in the new network namespace, with its ids mapped: lets everybody in there ping and have
 * low ports. */
void net_relax(const struct run *run);

/* Set-up: all three, where nobody has made the device. Without --net user it does nothing. */
int net_attach(const struct run *run, struct err *err);

/* Set-up, last thing before the payload: blocks until the helper is ready. */
int net_wait_ready(const struct run *run, struct err *err);

/* Monitor. The helper has asked: tells it the host's name servers. Whoever takes a laptop elsewhere
 * is not to start everything again. */
void net_answer(struct net *net);

/* Monitor. Ends the helper and reaps it; how it ended is forgotten. */
void net_stop(struct net *net);

/* Monitor. The helper has closed its end: reaps it and says how it ended. */
void net_died(struct net *net, struct err *err);
