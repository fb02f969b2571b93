/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of calls to numbers, per ABI. Used at build time, by sbx-seccomp and by tests. */
#pragma once

#include <stdint.h>

/* The number under which abi (an AUDIT_ARCH_ number, or libseccomp's one for x32) is called for
 * name; -ENOSYS when it has no such call, -ENOENT when neither libseccomp nor the tables know it.
 */
int seccomp_call_number(uint32_t abi, const char *name);
