/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Helper programs that do one thing and end: what needs a library that sbx itself should not load.
 * They lie beside sbx (in a build tree) or in libexec.
 */
#pragma once

#include <stddef.h>

#include "core/err.h"

/* Writes the path of a helper to buf: in $SBX_LIBEXECDIR, else beside the running sbx where it lies
 * there (a build tree needs no installation then), else where it was installed. */
void helper_find(const char *name, char *buf, size_t size);

struct helper_output {
	char *out; /* what it wrote to stdout, with a NUL after it; the caller frees both */
	size_t out_len;
	char *text; /* what it wrote to stderr */
};

/* Runs argv[0] of the helpers with these arguments to its end. Returns 0 when it exits with 0;
 * otherwise -errno, and err holds the first line of its stderr without "argv[0]: ". SIGCHLD must
 * not be ignored. */
int helper_run(char *const argv[], struct helper_output *ret, struct err *err);
