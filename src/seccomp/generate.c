/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Run at build time: writes one built-in profile as C, the BPF program and the lines that explain
 * it, for builtin.c to include.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "seccomp/compile.h"
#include "seccomp/profiles.h"

static void print_program(const char *name, const struct sock_filter *prog, size_t len)
{
	size_t i;

	printf("static const struct sock_filter bpf_%s[] = {\n", name);
	for (i = 0; i < len; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", prog[i].code, prog[i].jt, prog[i].jf,
		       prog[i].k);
	printf("};\n");
}

static void print_group(const struct seccomp_group *group)
{
	const char *const *call;

	if (group->error)
		printf("\t\"deny %s (%s):", group->what, strerrorname_np(group->error));
	else
		printf("\t\"allow %s:", group->what);
	for (call = group->calls; *call; call++)
		printf(" %s", *call);
	printf("\",\n");
}

static void print_lines(const struct seccomp_profile *profile)
{
	const struct seccomp_check *const *check;
	const struct seccomp_group *const *group;

	printf("static const char *const lines_%s[] = {\n", profile->name);
	for (check = profile->checks; *check; check++)
		printf("\t\"deny %s (%s): %s\",\n", (*check)->what,
		       strerrorname_np((*check)->error), (*check)->call);
	for (group = profile->groups; *group; group++)
		print_group(*group);
	if (!profile->compat)
		printf("\t\"deny every call of 32-bit programs (ENOSYS)\",\n");
	printf("\t\"deny every call of other foreign ABIs (ENOSYS)\",\n");
	if (profile->fallback)
		printf("\t\"deny every other call (%s)\",\n", strerrorname_np(profile->fallback));
	else
		printf("\t\"allow every other call\",\n");
	printf("\tNULL,\n};\n");
}

static const struct seccomp_profile *find_profile(const char *name)
{
	const struct seccomp_profile *const *profile;

	for (profile = seccomp_profiles; *profile; profile++)
		if (strcmp((*profile)->name, name) == 0)
			return *profile;
	return NULL;
}

int main(int argc, char **argv)
{
	const struct seccomp_profile *profile = argc == 2 ? find_profile(argv[1]) : NULL;
	cleanup_free struct sock_filter *prog = NULL;
	const char *subject = "";
	size_t len = 0;
	int r;

	if (!profile) {
		fprintf(stderr, "usage: %s PROFILE\n", argv[0]);
		return EXIT_FAILURE;
	}
	r = seccomp_compile(profile, &prog, &len, &subject);
	if (r < 0) {
		fprintf(stderr, "%s: profile '%s': %s: %s\n", argv[0], profile->name, subject,
		        strerror(-r));
		return EXIT_FAILURE;
	}
	printf("/* Generated from the tables of profile '%s'. */\n", profile->name);
	printf("#define SUMMARY_%s \"%s\"\n", profile->name, profile->summary);
	print_program(profile->name, prog, len);
	print_lines(profile);
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
