/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one place where a process is cloned into the namespaces of a plan. */
#pragma once

#include <sys/types.h>

#include "core/err.h"

struct plan;

/* Joins what is to be joined, and clones. Returns the child's pid with *ret_pidfd (close-on-exec), 0
 * in the child, or -errno with err set. The child is a child of the caller in every case. */
pid_t clone_into_namespaces(const struct plan *plan, int *ret_pidfd, struct err *err);
