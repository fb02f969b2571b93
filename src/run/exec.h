/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Executes a file as execvp(3) of GNU's libc does, whichever libc is linked: one without a slash is
 * looked for along PATH of env ("/bin:/usr/bin" without one), and a script without an interpreter
 * line is run by /bin/sh, for which argv[-1] must be there to be overwritten. Makes no system call
 * but execve(2), and allocates nothing. Returns -errno: EACCES if anything found was not allowed,
 * else why the last one failed. */
int exec_along_path(const char *file, char **argv, char **env);
