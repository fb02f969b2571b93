/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of capabilities(7), as libcap's cap_from_name(3) and cap_to_name(3) have them; here so
 * that sbx itself can be linked with any libc, and because two look-ups are no reason for a
 * library. */
#pragma once

#include <stdbool.h>

enum { CAPABILITY_BITS = 64 };

/* A name in upper or lower case, or the number of one that this table does not know yet.
 * Returns the capability's number, or -1. */
int capability_from_name(const char *name);

/* The name of a capability in lower case; NULL: it has none here, and its number names it. */
const char *capability_name(int cap);
