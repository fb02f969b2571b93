/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One conversation with a user's systemd: start a transient scope around some processes, and wait
 * until they are in it.
 */
#pragma once

#include <stdint.h>

#include "core/err.h"
#include "scope/dbus.h"

enum { SCOPE_PIDS_MAX = 8 };

struct wire;

struct scope_request {
	const char *unit;           /* "sbx-NAME.scope" */
	const char *description;    /* UTF-8 */
	struct wire *wire;          /* room for the connection */
	struct dbus_out properties; /* of property_put() */
	uint32_t pids[SCOPE_PIDS_MAX];
	size_t pids_len; /* the processes to move; 0: they come from peer_fd */
	int manager_fd;  /* a connection to the first address, not used yet; -1: there is none */
	int peer_fd;     /* when its other end is closed, nobody waits for the answer any more */
	unsigned int timeout_ms; /* for all of it */
	/* out: the first process's, "" when it was not looked for */
	char *cgroup;
	size_t cgroup_size;
};

enum scope_result {
	SCOPE_STARTED,
	SCOPE_NO_MANAGER, /* there is none to ask; another back end may be tried */
	SCOPE_FAILED,     /* there is one, and it refused, failed or was too slow */
	SCOPE_ABANDONED,  /* the peer is gone */
};

/* Asks the manager behind $DBUS_SESSION_BUS_ADDRESS or $XDG_RUNTIME_DIR/bus, or the one behind its
 * private socket, $XDG_RUNTIME_DIR/systemd/private; that one first where the bus is the usual one.
 * Without pids it is connected when it waits for them: a message of up to SCOPE_PIDS_MAX uint32_t,
 * which pids holds afterwards. err says what went wrong, unless the result is SCOPE_STARTED: either
 * systemd says that the job is done, or every process is seen in the unit's cgroup, after which
 * there is nothing left that could fail in it. */
enum scope_result scope_start(struct scope_request *request, struct err *err);

/* The cgroup v2 path of a process (the "0::" line of /proc/PID/cgroup; v1 lines may come before
 * it), into buf. Returns 0 or -errno with err set. */
int scope_cgroup_of(uint32_t pid, char *buf, size_t size, struct err *err);
