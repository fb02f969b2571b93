/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors: which of them reach the payload, and reading one to its end. */
#pragma once

#include <stddef.h>

#include "core/err.h"

struct plan;

/* Opens /dev/null, close-on-exec, on those of 0, 1, 2 that the caller closed, so that none of ours
 * lands there; the payload finds them closed again. Returns 0 or -errno. */
int fds_guard_stdio(void);

/* Marks close-on-exec what the payload is not to have: the descriptors that options consume and, in
 * the native personality, all above 2 but --keep-fd. One that is named and not open is an error:
 * call this before anything of ours is opened. Returns 0 or -errno with err set. */
int fds_prepare(const struct plan *plan, struct err *err);

/* Closes everything above 2 but the n descriptors of keep (sorted here). Returns 0 or -errno. */
int fds_close_others(int *keep, size_t n);

/* Reads fd from where it stands to its end and closes it. *ret is malloc'd and has a NUL after the
 * bytes, which *ret_len does not count. Returns 0 or -errno. */
int fds_read_all(int fd, char **ret, size_t *ret_len);

/* The number behind key ("Pid:", "mnt_id:") in what procfs tells of a descriptor (proc(5), fdinfo),
 * or -1. */
long fds_info(int fd, const char *key);

/* Returns 1, 0, or -errno: not to know is no reason to hand a caller's terminal in. */
int fds_is_terminal(int fd);
