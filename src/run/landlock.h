/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Landlock (landlock(7), Linux 5.13) as a second wall behind the mounts: everything may be read and
 * executed, and written is only what the plan made writable. With namespaces of its own, signals
 * and abstract sockets do not leave the sandbox either.
 */
#pragma once

#include "core/err.h"

struct plan;

/* The ABI of the running kernel, 1 or more; or -errno when it has none. */
int landlock_abi(void);

/* What an ABI leaves out of the above, as words for people; NULL when that is nothing. */
const char *landlock_lacks(int abi);

/* Refuses a plan with --landlock where the kernel has none of it, and warns where it is less than
 * asked. Returns 0 or -errno. */
int landlock_check(const struct plan *plan, struct err *err);

/* Makes the rules; the plan's places are looked up from /, which is the new root. *ret_fd is -1 for
 * a plan without --landlock, or a descriptor that closes on exec. Returns 0 or -errno. */
int landlock_prepare(const struct plan *plan, int *ret_fd, struct err *err);

/* Puts this process behind them; no_new_privs must be set. Nothing to do for -1. */
int landlock_restrict(int fd, struct err *err);
