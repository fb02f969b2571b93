/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one channel between the monitor and the sandbox's own processes: a SOCK_SEQPACKET pair, so
 * that a message is one write(2), which is all that a seccomp filter may leave us.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

enum sync_kind {
	SYNC_GO = 1,  /* monitor > setup: go on (maps written, helpers ready, --info-fd served) */
	SYNC_FAILED,  /* setup, payload > monitor: the error; the payload does not run */
	SYNC_STARTED, /* pid 1 > monitor: the payload was started; carries its pidfd */
	SYNC_EXIT,    /* pid 1 > monitor: how the payload ended */
	SYNC_STOPPED, /* pid 1 > monitor: the payload was stopped (with --pty only) */
	SYNC_CGROUP,  /* monitor > setup: the limits are in force; carries the ways into the leaves
	               */
	SYNC_NETNS    /* monitor > setup: the network namespace to join, or none: make your own */
};

enum { SYNC_FDS = 3 };

struct sync_message {
	uint32_t kind;
	int32_t wait_status; /* SYNC_EXIT, SYNC_STOPPED: as wait(2) gives it */
	uint32_t last;       /* SYNC_EXIT: no other process is left, pid 1 ends, too */
	struct err err;      /* SYNC_FAILED */
	int fd; /* SYNC_STARTED: a pidfd, SYNC_NETNS: see there; or -1; the receiver closes it */
	int fds[SYNC_FDS]; /* SYNC_CGROUP: as they were sent; the receiver closes them */
};

/* Makes the pair: ret[0] is the monitor's, ret[1] the sandbox's. Both close-on-exec. Returns 0 or
 * -errno. */
int sync_pair(int ret[2]);

int sync_send_go(int sock);
int sync_send_failed(int sock, const struct err *err);
int sync_send_started(int sock, int pidfd);
/* The files cgroup.procs of the payload's and of the helpers' leaf, and the payload's directory. */
int sync_send_cgroup(int sock, const int fds[SYNC_FDS]);
/* -1: the set-up is to make its own. */
int sync_send_netns(int sock, int netns_fd);
int sync_send_stopped(int sock, int wait_status);
int sync_send_exit(int sock, int wait_status, bool last);

/* Takes one message. Returns 1, 0 when the other side is gone, -EAGAIN without one (dont_wait), or
 * -errno; -EBADMSG is a message that none of ours wrote. */
int sync_receive(int sock, bool dont_wait, struct sync_message *ret);

/* A helper's one message, as text that is ended with a 0. Returns its length, 0 when the helper is
 * gone, or -errno. */
ssize_t sync_receive_text(int sock, char *buf, size_t size);
