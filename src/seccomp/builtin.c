/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seccomp/builtin.h"

#include <stddef.h>
#include <string.h>

#include <linux/filter.h>

#include "core/cleanup.h"
#include "seccomp/bpf-default.h"
#include "seccomp/bpf-nested.h"
#include "seccomp/bpf-strict.h"

#define BUILTIN(id)                                                                                \
	{                                                                                          \
#id, SUMMARY_##id, bpf_##id, ARRAY_LEN(bpf_##id), lines_##id                       \
	}

static const struct seccomp_builtin builtins[] = {
	BUILTIN(default),
	BUILTIN(nested),
	BUILTIN(strict),
	{ NULL, NULL, NULL, 0, NULL },
};

const struct seccomp_builtin *seccomp_builtin_list(void)
{
	return builtins;
}

const struct seccomp_builtin *seccomp_builtin_find(const char *name)
{
	const struct seccomp_builtin *builtin;

	for (builtin = builtins; builtin->name; builtin++)
		if (strcmp(builtin->name, name) == 0)
			return builtin;
	return NULL;
}
