/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The block devices that --device-... name. */
#pragma once

#include "core/err.h"

struct limits;

/* Finds each device's number: of a block device, of the one that a file or directory lies on, and
 * of the whole disk for a partition, because io.max knows nothing else. Returns 0 or -errno with
 * err set. */
int limits_find_devices(struct limits *limits, struct err *err);
