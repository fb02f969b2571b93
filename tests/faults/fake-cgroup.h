/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A made-up cgroup tree in an ordinary directory: every directory that is made in it gets the files
 * of a cgroup, and one that is removed loses them first. What is written to a file stays there. */
#pragma once

#include <stdio.h>
#include <sys/types.h>

/* Gives the files to each directory that has none yet, dir among them. */
void fake_cgroup_fill(const char *dir);

/* Before unlinkat(fd, name, AT_REMOVEDIR) by pid: takes the files away, if that is in dir. */
void fake_cgroup_before_rmdir(const char *dir, pid_t pid, int fd, unsigned long name);

/* Writes a line "leftcgroup PATH" for each cgroup in dir. */
void fake_cgroup_list(const char *dir, FILE *log);
