/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/errno-text.h"

#include <stddef.h>

#include "core/cleanup.h"

/* generated, see errno-generate.c */
static const char *const texts[] = {
#include "core/errno-texts.h"
};

const char *errno_text(int num)
{
	if (num < 0 || (size_t)num >= ARRAY_LEN(texts) || !texts[num])
		return "Unknown error";
	return texts[num];
}
