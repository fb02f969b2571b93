/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one place where processes are cloned: into the namespaces of a plan, and for a function. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"

struct plan;

/* Joins what is to be joined, and clones; where net_is_beside somebody else makes the network
 * namespace. Returns the child's pid with *ret_pidfd (close-on-exec),
 * 0 in the child, or -errno with err set. The child is a child of the caller in every case. */
pid_t clone_into_namespaces(const struct plan *plan, bool net_is_beside, int *ret_pidfd,
                            struct err *err);

/* The pid behind a pidfd as we see it (proc(5), fdinfo), or -1. */
pid_t clone_pid_of(int pidfd);

/* Signals the process behind a pidfd. Where a filter knows no pidfd_send_signal(2) (Linux 5.1), its
 * number has to do. Returns 0 or -errno. */
int clone_signal(int pidfd, int sig);

/* Starts fn(arg), which must end in exec or _exit, as a child. With CLONE_SHARES_MEMORY the caller
 * stands still until then and no page table is copied (vfork(2)); fn may write only what nobody
 * reads afterwards, or reads for that. CLONE_SHARES_FILES: the descriptors are the caller's, too.
 * CLONE_WITH_PIDFD gives *ret_pidfd, else it is -1; CLONE_WITH_NETWORK a network namespace. Returns
 * the pid or -errno. */
enum {
	CLONE_SHARES_MEMORY = 1,
	CLONE_WITH_PIDFD = 2,
	CLONE_SHARES_FILES = 4,
	CLONE_WITH_NETWORK = 8
};
typedef int clone_fn(void *arg);
pid_t clone_function(clone_fn *fn, void *arg, unsigned int flags, int *ret_pidfd);
