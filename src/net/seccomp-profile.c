/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the helper may ask of the kernel once it is confined. Linked into the program that writes
 * the filter at build time, in place of sbx's own profiles: libseccomp would make it anew at each
 * start, and loading that library is not free either.
 */
#include "seccomp/profiles.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

static const struct seccomp_group plain = {
	"sockets, pipes, waiting, memory",
	0,
	(const char *const[]){ "accept4",
	                       "bind",
	                       "brk",
	                       "clock_gettime",
	                       "clock_nanosleep",
	                       "close",
	                       "connect",
	                       "epoll_ctl",
	                       "epoll_pwait",
	                       "epoll_wait",
	                       "exit",
	                       "exit_group",
	                       "fcntl",
	                       "futex",
	                       "getpeername",
	                       "getpid",
	                       "getrandom",
	                       "getsockname",
	                       "getsockopt",
	                       "gettid",
	                       "ioctl",
	                       "listen",
	                       "madvise",
	                       "mmap",
	                       "mprotect",
	                       "mremap",
	                       "munmap",
	                       "nanosleep",
	                       "pipe2",
	                       "poll",
	                       "ppoll",
	                       "read",
	                       "readv",
	                       "recvfrom",
	                       "recvmmsg",
	                       "recvmsg",
	                       "restart_syscall",
	                       "rseq",
	                       "rt_sigaction",
	                       "rt_sigprocmask",
	                       "rt_sigreturn",
	                       "sched_yield",
	                       "sendmsg",
	                       "sendto",
	                       "set_robust_list",
	                       "setsockopt",
	                       "shutdown",
	                       "sigaltstack",
	                       "socket",
	                       "socketpair",
	                       "splice",
	                       "tgkill",
	                       "write",
	                       "writev",
	                       NULL },
};

#ifdef __SANITIZE_ADDRESS__
/* AddressSanitizer has libc ask where a new thread's stack is. */
static const struct seccomp_group sanitized = {
	"threads, when sanitized",
	0,
	(const char *const[]){ "sched_getaffinity", NULL },
};
#endif

static const struct seccomp_check internet = {
	"sockets that are not the Internet's",
	"socket",
	EPERM,
	COND_NOT_IN,
	CHECK_ALL,
	0,
	(const uint32_t[]){ AF_INET, AF_INET6 },
	2,
	CHECK_UNGUARDED,
	0,
};

/* it stands for a TCP connection to the resolver */
static const struct seccomp_check pair = {
	"pairs of other sockets",
	"socketpair",
	EPERM,
	COND_NOT_IN,
	CHECK_ALL,
	0,
	(const uint32_t[]){ AF_UNIX },
	1,
	CHECK_UNGUARDED,
	0,
};

static const struct seccomp_check control = {
	"other requests",
	"ioctl",
	EPERM,
	COND_NOT_IN,
	CHECK_ALL,
	1,
	(const uint32_t[]){ FIONREAD },
	1,
	CHECK_UNGUARDED,
	0,
};

static const struct seccomp_check map = {
	"memory to execute",
	"mmap",
	EPERM,
	COND_BITS,
	CHECK_ALL,
	2,
	(const uint32_t[]){ PROT_EXEC },
	1,
	CHECK_UNGUARDED,
	0,
};

static const struct seccomp_check protect = {
	"memory to execute",
	"mprotect",
	EPERM,
	COND_BITS,
	CHECK_ALL,
	2,
	(const uint32_t[]){ PROT_EXEC },
	1,
	CHECK_UNGUARDED,
	0,
};

static const struct seccomp_profile net = {
	"net",
	"what sbx-net needs",
	EPERM,
	false,
#ifdef __SANITIZE_ADDRESS__
	(const struct seccomp_group *const[]){ &plain, &sanitized, NULL },
#else
	(const struct seccomp_group *const[]){ &plain, NULL },
#endif
	(const struct seccomp_check *const[]){ &internet, &pair, &control, &map, &protect, NULL },
};

const struct seccomp_profile *const seccomp_profiles[] = { &net, NULL };

const struct seccomp_new_call seccomp_new_calls[] = { { NULL, 0 } };
