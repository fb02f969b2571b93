/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Capabilities of the payload (capabilities(7)). */
#pragma once

#include <stdint.h>

#include "core/err.h"

struct plan;
struct host;

/* Refuses to run with more than the caller has: as a setuid or setgid program, or with file
 * capabilities. Returns 0 or -errno. */
int caps_check_caller(struct err *err);

/* The effective capabilities of a caller that is root, bit N for capability N; 0 for any other.
 * Returns 0 or -errno. */
int caps_of_root(uint64_t *ret);

/* Raises what is permitted, for the set-up in a namespace entered with setns and setuid. */
int caps_regain(struct err *err);

/* What caps_drop() will leave to the payload, bit N for capability N. */
uint64_t caps_planned(const struct plan *plan);

/* Gives up all of them. Returns 0 or -errno. */
int caps_give_up(struct err *err);

/* Sets every set to what --cap-add and --cap-drop leave of plan->caps_start: nothing by default,
 * and for a real root as bwrap what it has. Should: be the last step that needs one. */
int caps_drop(const struct plan *plan, struct err *err);
