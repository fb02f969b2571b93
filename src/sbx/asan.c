/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What AddressSanitizer calls in a build with --enable-sanitizers, and nothing else is.
 */

const char *__asan_default_options(void);
void __asan_handle_no_return(void);

/* The check for leaks at exit traces its own process, which neither a filter nor a new pid
 * namespace lets it do. What leaks, the unit tests find. The kernel keeps from pid 1 only those of
 * its children's signals that it has no handler for; one that is meant ends the process all the
 * same, with its number for a status. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0";
}

/* The stages run on stacks that AddressSanitizer did not make, and each ends in _exit or execve:
 * there is no frame to come back to, and a warning about that would be taken for sbx's own words.
 */
void __asan_handle_no_return(void)
{
}
