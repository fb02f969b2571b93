/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One conversation with a user's systemd: start a transient scope around some processes, wait until
 * systemd says that it is there.
 */
#pragma once

#include <glib.h>

struct scope_request {
	const char *unit;        /* "sbx-NAME.scope" */
	const char *description; /* UTF-8 */
	GPtrArray *properties;   /* of GVariant "(sv)" */
	GArray *pids;     /* of guint32; the processes to move; none: they come from peer_fd */
	int peer_fd;      /* when its other end is closed, nobody waits for the answer any more */
	guint timeout_ms; /* for all of it */
};

enum scope_result {
	SCOPE_STARTED,
	SCOPE_NO_MANAGER, /* there is none to ask; another back end may be tried */
	SCOPE_FAILED,     /* there is one, and it refused, failed or was too slow */
	SCOPE_ABANDONED,  /* the peer is gone */
};

enum { SCOPE_PIDS_MAX = 8 };

/* Asks the manager behind $DBUS_SESSION_BUS_ADDRESS or $XDG_RUNTIME_DIR/bus, or the one behind its
 * private socket, $XDG_RUNTIME_DIR/systemd/private; that one first where the bus is the usual one.
 * Without pids it is prepared for the talk when it waits for them: a message of up to
 * SCOPE_PIDS_MAX guint32, which pids holds afterwards. *ret_text (to be freed) says what went
 * wrong; it is NULL for SCOPE_STARTED. */
enum scope_result scope_start(const struct scope_request *request, char **ret_text);

/* The cgroup v2 path of a process (the "0::" line of /proc/PID/cgroup; v1 lines may come before
 * it), to be freed; NULL with error set. */
char *scope_cgroup_of(guint32 pid, GError **error);
