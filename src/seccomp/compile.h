/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a profile to BPF. Used at build time and by tests, never by sbx itself.
 *
 * libseccomp knows each ABI's numbers; the program is made here: per ABI a binary search over
 * ranges of calls with the same answer, then the checks of those calls that have one. Ranges
 * instead of libseccomp's own tree of single calls because the kernel walks the program once for
 * every call and ABI when it is loaded, at each start of a sandbox: a quarter of the length is a
 * third of the time. Tests hold the answers against those of a filter made by libseccomp.
 */
#pragma once

#include <stddef.h>

#include <linux/filter.h>

struct seccomp_profile;

/* Returns 0 and a program that the caller frees; or -errno, with *ret_subject naming the call or
 * step that failed (a string that lives as long as the tables). */
int seccomp_compile(const struct seccomp_profile *profile, struct sock_filter **ret_prog,
                    size_t *ret_len, const char **ret_subject);
