/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SELinux labels through procfs (proc(5), attr/), which needs no library. */
#pragma once

#include "core/err.h"

struct run;

/* --file-label: the label of what is made from here on. --exec-label: of what is executed next.
 * Return 0 or -errno; without the option they do nothing. */
int label_files(const struct run *run, struct err *err);
int label_exec(const struct run *run, struct err *err);
