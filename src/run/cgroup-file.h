/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of the cgroup v2 tree, and where the tree and a process's place in it are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

/* Reads a file of at most size - 1 bytes into buf, without the newline at its end. Returns 0 or
 * -errno (-EFBIG when it does not fit). */
int cgroup_read(int dir_fd, const char *file, char *buf, size_t size);

/* Writes text in one write(2). Returns 0 or -errno. */
int cgroup_write(int dir_fd, const char *file, const char *text);

/* Writes text in one write(2), and reads into buf what the file holds then: "" when it can't be
 * read. Returns 0 or -errno of the writing. */
int cgroup_write_back(int dir_fd, const char *file, const char *text, char *buf, size_t size);

/* Whether word is one of the words of a file such as cgroup.controllers. */
bool cgroup_has_word(const char *words, const char *word);

/* The value behind key in a flat keyed file such as memory.events. Returns 0 or -errno, -ENOENT
 * when there is no such key. */
int cgroup_read_key(int dir_fd, const char *file, const char *key, uint64_t *ret);

/* The cgroup v2 path of a process, as /proc/PID/cgroup has it in its "0::" line; pid 0 is the
 * caller. To be freed. Returns 0 or -errno with err set. */
int cgroup_path_of(pid_t pid, char **ret, struct err *err);

/* A cgroup2 mount: what of the tree it shows, and where. */
struct cgroup_mount {
	char *root, *point; /* in the line that was parsed */
	bool nsdelegate;    /* cgroup namespaces are borders: who is in one can't write its root's
	                       limits */
};

/* Takes a line of mountinfo (proc(5)) apart, which it changes. False: it is no cgroup2 mount. */
bool cgroup_parse_mount(char *line, struct cgroup_mount *ret);

/* The lines of /proc/self/mountinfo that are of cgroup2 mounts, to be freed. Returns 0 or -errno
 * with err set. */
int cgroup_mounts(char **ret, struct err *err);

/* Where a cgroup v2 path can be found in the file system, by those lines. Returns 0 and a path to
 * be freed, or -errno with err set (-ENOENT: no cgroup2 is mounted that shows it). */
int cgroup_locate(const char *mounts, const char *path, char **ret, struct err *err);
