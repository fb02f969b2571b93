/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --landlock: which of the plan's places may be written to, for a wall that knows trees of files
 * and no mounts. Everything may be read; nothing can be taken out of a tree again. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct plan;

/* Whether operation i leaves its destination writable, and nothing later covers it. */
bool plan_landlock_writable(const struct plan *plan, size_t i);

/* Finds a place that is read-only by its mount alone, because it lies in a writable tree; of those
 * after operation *i, which is set to it. Begin with *i = 0. Returns the tree's operation or -1. */
int plan_landlock_uncovered(const struct plan *plan, size_t *i);
