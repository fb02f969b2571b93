/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A profile in lines for people: what happens to which call on this machine. */
#pragma once

#include <stdio.h>

struct oci_profile;
struct oci_target;

/* Writes to out and looks at no errors; the caller asks ferror(). */
void oci_explain(const struct oci_profile *profile, const struct oci_target *target, FILE *out);
