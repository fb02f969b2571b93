/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a profile to BPF. Used at build time and by tests, never by sbx itself.
 *
 * The program is a head and a body. The body is libseccomp's: it decides by the call's number, as a
 * binary tree per ABI. The head, written here, refuses by argument and knows the calls that are
 * younger than libseccomp; whatever it does not refuse goes on to the body.
 */
#pragma once

#include <stddef.h>

#include <linux/filter.h>

struct seccomp_profile;

/* Returns 0 and a program that the caller frees; or -errno, with *ret_subject naming the call or
 * table that failed (a string that lives as long as the tables). */
int seccomp_compile(const struct seccomp_profile *profile, struct sock_filter **ret_prog,
                    size_t *ret_len, const char **ret_subject);
