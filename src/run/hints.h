/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user can do about an error: a table from (step, errno, fact of the machine) to a sentence.
 */
#pragma once

#include "core/err.h"

/* The hint for an error, or NULL. Looks at the machine, so it is asked only once something failed.
 */
const char *hint_find(const struct err *err);
