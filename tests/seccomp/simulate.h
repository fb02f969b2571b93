/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a seccomp program as the kernel would, without the kernel: every ABI can be asked about,
 * also those that this machine does not have, and calls that nobody would like to make.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sock_filter;
struct seccomp_data;

/* The action; the program must be one that the kernel would take. An instruction that seccomp does
 * not know, or a way out of the program, aborts. */
uint32_t simulate(const struct sock_filter *prog, size_t len, const struct seccomp_data *data);
