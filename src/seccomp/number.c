/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seccomp/number.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "seccomp/profiles.h"

enum { NUMBERS = 1024 };

/* Where an ABI has a call both by itself and inside of socketcall or ipc, libseccomp turns its name
 * into a number of its own for the latter, but the number of the former still into its name. */
static int direct_number(uint32_t abi, const char *name)
{
	int nr, found;

	for (nr = 0; nr < NUMBERS; nr++) {
		char *other = seccomp_syscall_resolve_num_arch(abi, nr);

		found = other && strcmp(other, name) == 0;
		free(other);
		if (found)
			return nr;
	}
	return -ENOSYS;
}

int seccomp_call_number(uint32_t abi, const char *name)
{
	const struct seccomp_new_call *young;
	int nr = seccomp_syscall_resolve_name_arch(abi, name);

	if (nr >= 0)
		return nr;
	if (nr != __NR_SCMP_ERROR)
		return direct_number(abi, name);
	for (young = seccomp_new_calls; young->name; young++)
		if (strcmp(young->name, name) == 0)
			return (int)young->nr;
	return -ENOENT;
}
