/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables of `default` and `nested`, deny-lists that ordinary programs do not notice.
 *
 * Which errno: EPERM where a kernel would say the same to a user without the right; ENOSYS where
 * programs probe for a feature and go on without it. Not refused, on purpose: ptrace and
 * process_vm_* (debuggers and strace of a child), clone, clone3, unshare and setns (a browser's own
 * sandbox needs user namespaces; --disable-userns is the switch for these), adjtimex (reading the
 * clock state; the kernel refuses the rest without CAP_SYS_TIME in the initial namespace).
 */
#include "seccomp/profiles.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include <linux/net.h>
#include <linux/netlink.h>

#include "core/cleanup.h"

static const struct seccomp_group keyrings = {
	"kernel keyrings",
	EPERM,
	(const char *const[]){ "add_key", "keyctl", "request_key", NULL },
};

static const struct seccomp_group introspection = {
	"bpf, performance events, page-fault handling, kernel log",
	EPERM,
	(const char *const[]){ "bpf", "perf_event_open", "userfaultfd", "syslog", "lookup_dcookie",
	                       NULL },
};

/* Every caller of io_uring has a way for kernels without it. */
static const struct seccomp_group io_uring = {
	"io_uring",
	ENOSYS,
	(const char *const[]){ "io_uring_setup", "io_uring_enter", "io_uring_register", NULL },
};

static const struct seccomp_group kernel = {
	"kernel modules, kexec, reboot, swap, accounting and quota",
	EPERM,
	(const char *const[]){ "init_module", "finit_module", "delete_module", "kexec_load",
	                       "kexec_file_load", "reboot", "swapon", "swapoff", "acct", "quotactl",
	                       "quotactl_fd", "vhangup", NULL },
};

static const struct seccomp_group mounts = {
	"mounting, old and new API",
	EPERM,
	(const char *const[]){ "mount", "umount", "umount2", "pivot_root", "open_tree",
	                       "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount",
	                       "fspick", "mount_setattr", NULL },
};

/* A handle opens a file by number, past every directory and mount on the way. */
static const struct seccomp_group handles = {
	"files by handle",
	EPERM,
	(const char *const[]){ "open_by_handle_at", NULL },
};

static const struct seccomp_group clocks = {
	"setting the clocks",
	EPERM,
	(const char *const[]){ "settimeofday", "clock_settime", "clock_settime64", "stime", NULL },
};

static const struct seccomp_group hardware = {
	"I/O ports, descriptor tables and buses",
	EPERM,
	(const char *const[]){ "iopl", "ioperm", "modify_ldt", "vm86", "vm86old", "pciconfig_read",
	                       "pciconfig_write", "pciconfig_iobase", "rtas", "s390_pci_mmio_read",
	                       "s390_pci_mmio_write", NULL },
};

static const struct seccomp_group obsolete = {
	"obsolete calls",
	ENOSYS,
	(const char *const[]){ "_sysctl", "create_module", "get_kernel_syms", "query_module",
	                       "nfsservctl", "sysfs", "uselib", "vserver", NULL },
};

/* The family is an int: a check of all 64 bits could be passed by with one upper bit set. */
static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

static const struct seccomp_check socket_family = {
	.what = "socket families other than unix, inet, inet6 and netlink",
	.call = "socket",
	.error = EAFNOSUPPORT,
	.cond = COND_NOT_IN,
	.abis = CHECK_ALL,
	.arg = 0,
	.values = families,
	.count = ARRAY_LEN(families),
	.guard_arg = CHECK_UNGUARDED,
};

static const struct seccomp_check socketpair_family = {
	.what = "socket pairs of such families",
	.call = "socketpair",
	.error = EAFNOSUPPORT,
	.cond = COND_NOT_IN,
	.abis = CHECK_ALL,
	.arg = 0,
	.values = families,
	.count = ARRAY_LEN(families),
	.guard_arg = CHECK_UNGUARDED,
};

/*
 * socketcall has its arguments in memory, where a filter cannot read them, so that sockets are to
 * be had from the direct calls only. Not natively: libc of s390x knows no other way.
 */
static const uint32_t multiplexed[] = { SYS_SOCKET, SYS_SOCKETPAIR };

static const struct seccomp_check socketcall_family = {
	.what = "sockets of 32-bit programs made by socketcall (their family cannot be seen)",
	.call = "socketcall",
	.error = EAFNOSUPPORT,
	.cond = COND_IN,
	.abis = CHECK_COMPAT,
	.arg = 0,
	.values = multiplexed,
	.count = ARRAY_LEN(multiplexed),
	.guard_arg = CHECK_UNGUARDED,
};

/* With a user namespace anybody can reach these two: the packet filter's and IPsec's rule engines.
 */
static const uint32_t protocols[] = { NETLINK_NETFILTER, NETLINK_XFRM };

static const struct seccomp_check netlink_protocol = {
	.what = "netlink to netfilter and xfrm",
	.call = "socket",
	.error = EPROTONOSUPPORT,
	.cond = COND_IN,
	.abis = CHECK_ALL,
	.arg = 2,
	.values = protocols,
	.count = ARRAY_LEN(protocols),
	.guard_arg = 0,
	.guard = AF_NETLINK,
};

/* TIOCSTI types into a terminal, TIOCLINUX pastes into a console, TIOCSETD loads line disciplines,
 * TIOCCONS takes the console's output away. */
static const uint32_t terminal_requests[] = { TIOCSTI, 0x541c /* TIOCLINUX */, TIOCSETD, TIOCCONS };

static const struct seccomp_check terminal = {
	.what = "ioctl TIOCSTI, TIOCLINUX, TIOCSETD and TIOCCONS",
	.call = "ioctl",
	.error = EPERM,
	.cond = COND_IN,
	.abis = CHECK_ALL,
	.arg = 1,
	.values = terminal_requests,
	.count = ARRAY_LEN(terminal_requests),
	.guard_arg = CHECK_UNGUARDED,
};

/* Plain Linux, its 32-bit and old-release faces, no address randomisation (debuggers and thread
 * sanitizer ask for it), and the question which one it is. */
static const uint32_t personalities[] = {
	PER_LINUX,         PER_LINUX32,
	UNAME26,           UNAME26 | PER_LINUX32,
	ADDR_NO_RANDOMIZE, ADDR_NO_RANDOMIZE | PER_LINUX32,
	0xffffffff,
};

static const struct seccomp_check odd_personality = {
	.what = "personalities other than Linux, 32-bit Linux and fixed addresses",
	.call = "personality",
	.error = EPERM,
	.cond = COND_NOT_IN,
	.abis = CHECK_ALL,
	.arg = 0,
	.values = personalities,
	.count = ARRAY_LEN(personalities),
	.guard_arg = CHECK_UNGUARDED,
};

/* CLONE_NEW*, of which CLONE_NEWTIME (0x80) is a signal number to clone and does nothing there. */
static const uint32_t namespaces[] = { 0x7e020000 };

static const struct seccomp_check new_namespace = {
	.what = "clone into new namespaces",
	.call = "clone",
	.error = EPERM,
	.cond = COND_BITS,
	.abis = CHECK_ALL,
#if defined(__s390x__)
	.arg = 1, /* this one has the stack first */
#else
	.arg = 0,
#endif
	.values = namespaces,
	.count = ARRAY_LEN(namespaces),
	.guard_arg = CHECK_UNGUARDED,
};

static const struct seccomp_profile profile_default = {
	.name = "default",
	.summary = "deny-list that ordinary programs do not notice",
	.compat = true,
	.groups = (const struct seccomp_group *const[]){ &mounts, &keyrings, &introspection,
	                                                 &io_uring, &kernel, &handles, &clocks,
	                                                 &hardware, &obsolete, NULL },
	.checks = (const struct seccomp_check *const[]){ &socket_family, &socketpair_family,
	                                                 &socketcall_family, &netlink_protocol,
	                                                 &terminal, &odd_personality, NULL },
};

static const struct seccomp_profile profile_nested = {
	.name = "nested",
	.summary = "default without the refusal of mounts and of netlink to netfilter and xfrm",
	.compat = true,
	.groups = (const struct seccomp_group *const[]){ &keyrings, &introspection, &io_uring,
	                                                 &kernel, &handles, &clocks, &hardware,
	                                                 &obsolete, NULL },
	.checks = (const struct seccomp_check *const[]){ &socket_family, &socketpair_family,
	                                                 &socketcall_family, &terminal,
	                                                 &odd_personality, NULL },
};

static const struct seccomp_profile profile_strict = {
	.name = "strict",
	.summary = "allow-list; no namespaces, no debugging of others, no 32-bit calls",
	.fallback = ENOSYS,
	.groups = seccomp_strict_groups,
	.checks = (const struct seccomp_check *const[]){ &socket_family, &socketpair_family,
	                                                 &netlink_protocol, &terminal,
	                                                 &odd_personality, &new_namespace, NULL },
};

const struct seccomp_profile *const seccomp_profiles[] = { &profile_default, &profile_nested,
	                                                   &profile_strict, NULL };

const struct seccomp_new_call seccomp_new_calls[] = {
	{ "cachestat", 451 },
	{ "fchmodat2", 452 },
	{ "map_shadow_stack", 453 },
	{ "futex_wake", 454 },
	{ "futex_wait", 455 },
	{ "futex_requeue", 456 },
	{ "mseal", 462 },
	{ "setxattrat", 463 },
	{ "getxattrat", 464 },
	{ "listxattrat", 465 },
	{ "removexattrat", 466 },
	{ "open_tree_attr", 467 },
	{ NULL, 0 },
};
