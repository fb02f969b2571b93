/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The namespaces beside the user and the mount namespace: what is set inside them, and their ids.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

struct plan;
struct run;

/* Brings up lo in a new network namespace; the kernel then gives it 127.0.0.1/8 and ::1. */
int namespace_loopback_up(const struct plan *plan, struct err *err);

/* Makes a new network namespace, with lo up, for this process. */
int namespace_net(const struct run *run, struct err *err);

/* Makes the time namespace that the next fork enters and sets its offsets (time_namespaces(7)). */
int namespace_time(const struct run *run, struct err *err);

/* The inode numbers that --info-fd tells, of the process pid: in the order cgroup, ipc, mnt, net,
 * pid, uts; 0 for one that the plan does not make. Returns 0 or -errno. */
enum { NS_IDS = 6, NS_ID_MNT = 2 };
extern const char *const namespace_names[NS_IDS];
int namespace_ids(const struct plan *plan, pid_t pid, uint64_t ret[NS_IDS], struct err *err);
