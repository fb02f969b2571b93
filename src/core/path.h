/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths as text; nothing is looked up. A destination is relative to the new root, whatever it
 * begins with. */
#pragma once

#include <stdbool.h>

/* Whether the path names the root itself: only slashes and dots. */
bool path_is_root(const char *path);

/* Whether both name the same place, slashes and "." aside. A path with ".." equals nothing. */
bool path_same(const char *a, const char *b);

/* Whether path lies strictly below dir. A path with ".." lies nowhere; everything lies below the
 * root. */
bool path_below(const char *path, const char *dir);

/* The path without leading slashes, "." when nothing is left. */
const char *path_relative(const char *path);

/* The last component's name within path (no trailing slash expected), and basename(1)'s answer. */
const char *path_last(const char *path);
