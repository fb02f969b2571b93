/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/fdpass.h"
#include "run/fds.h"

static uint64_t clone_flags(const struct plan *plan, bool net_is_beside)
{
	const struct plan_ns *ns = &plan->ns;
	uint64_t flags = CLONE_NEWNS | CLONE_PIDFD;

	flags |= ns->new_user ? CLONE_NEWUSER : 0;
	flags |= ns->pid ? CLONE_NEWPID : 0;
	flags |= ns->net && !net_is_beside ? CLONE_NEWNET : 0;
	flags |= ns->ipc ? CLONE_NEWIPC : 0;
	flags |= ns->uts ? CLONE_NEWUTS : 0;
	/* one of a cgroup of our own is made when we are in it */
	flags |= ns->cgroup && !plan->uses_cgroup ? CLONE_NEWCGROUP : 0;
	return flags;
}

/* clone3(2) is Linux 5.3; container runtimes filter it as if it were missing, and some that do not
 * know it refuse it. clone(2) takes the same flags (none of them needs more). */
static pid_t sys_clone(uint64_t flags, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = flags,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = (flags & CLONE_PARENT) ? 0 : SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0 && (errno == ENOSYS || errno == EPERM))
		pid = (pid_t)syscall(SYS_clone, flags | args.exit_signal, 0, ret_pidfd, NULL, 0);
	return pid;
}

static int clone_failed(uint64_t flags, int num, struct err *err)
{
	if (num == EPERM && (flags & CLONE_NEWUSER))
		return err_step(err, STEP_CLONE_EPERM, 0, NULL, NULL) < 0 ? -EPERM : 0;
	if (num == ENOSPC)
		return err_step(err, STEP_CLONE_ENOSPC, 0, NULL, NULL) < 0 ? -ENOSPC : 0;
	return err_step(err, STEP_CLONE, num, NULL, NULL);
}

/* The user namespace first: it is what gives the right to join those that it owns. */
static int join(const struct plan_ns *ns, struct err *err)
{
	const struct {
		int fd;
		int kind;
		enum step step;
		const char *name;
	} joins[] = {
		{ ns->userns_fd, CLONE_NEWUSER, STEP_SETNS, "user" },
		{ ns->netns_fd, CLONE_NEWNET, STEP_SETNS, "net" },
		{ ns->pidns_fd, CLONE_NEWPID, STEP_SETNS_LATER, "pidns" },
	};

	for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
		if (joins[i].fd < 0 || setns(joins[i].fd, joins[i].kind) == 0)
			continue;
		if (joins[i].kind == CLONE_NEWUSER && errno == EINVAL)
			return err_step(err, STEP_SETNS_USER, 0, NULL, NULL);
		return err_step(err, joins[i].step, errno, joins[i].name, NULL);
	}
	return 0;
}

pid_t clone_pid_of(int pidfd)
{
	long pid = fds_info(pidfd, "Pid:");

	return pid > 0 ? (pid_t)pid : -1;
}

int clone_signal(int pidfd, int sig)
{
	pid_t pid;

	if (syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) == 0)
		return 0;
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
	pid = clone_pid_of(pidfd);
	if (pid < 0)
		return -ESRCH;
	return kill(pid, sig) < 0 ? -errno : 0;
}

/* What the process in between says: 0 with the pidfd, or why there is none. */
static int send_pidfd(int sock, int pidfd)
{
	int num = pidfd < 0 ? errno : 0;
	struct fdpass message = { &num, sizeof(num), &pidfd, pidfd < 0 ? 0 : 1 };

	return fdpass_send(sock, &message);
}

static int receive_pidfd(int sock, int *ret_pidfd)
{
	int num = 0;
	int fd = -1;
	struct fdpass message = { &num, sizeof(num), &fd, 1 };
	ssize_t n = fdpass_receive(sock, 0, &message);

	*ret_pidfd = fd;
	if (n < 0)
		return (int)n;
	if (n == sizeof(num) && num > 0)
		return -num;
	return n == sizeof(num) && fd >= 0 ? 0 : -ECHILD;
}

/* A new pid namespace below a joined one: only a process that lives in the joined one may make it,
 * so one in between does, and its child becomes ours by CLONE_PARENT. */
static pid_t clone_below_joined(uint64_t flags, int *ret_pidfd, struct err *err)
{
	int pair[2];
	pid_t between;
	pid_t pid;
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_step(err, STEP_SYNC, errno, NULL, NULL);
	between = fork();
	if (between == 0) {
		int pidfd = -1;

		pid = sys_clone(flags | CLONE_PARENT, &pidfd);
		if (pid != 0)
			_exit(send_pidfd(pair[1], pid < 0 ? -1 : pidfd) < 0 ? 1 : 0);
		close(pair[0]);
		close(pair[1]);
		return 0;
	}
	close(pair[1]);
	r = between < 0 ? -errno : receive_pidfd(pair[0], ret_pidfd);
	close(pair[0]);
	if (between > 0)
		(void)waitpid(between, NULL, 0);
	if (r < 0)
		return clone_failed(flags, -r, err);
	pid = clone_pid_of(*ret_pidfd);
	if (pid > 0)
		return pid;
	(void)clone_signal(*ret_pidfd, SIGKILL);
	return err_step(err, STEP_CLONE, ESRCH, NULL, NULL);
}

pid_t clone_into_namespaces(const struct plan *plan, bool net_is_beside, int *ret_pidfd,
                            struct err *err)
{
	const struct plan_ns *ns = &plan->ns;
	uint64_t flags = clone_flags(plan, net_is_beside);
	pid_t pid;
	int r = join(ns, err);

	*ret_pidfd = -1;
	if (r < 0)
		return r;
	if (ns->pid && ns->pidns_fd >= 0)
		return clone_below_joined(flags, ret_pidfd, err);
	pid = sys_clone(flags, ret_pidfd);
	return pid < 0 ? clone_failed(flags, errno, err) : pid;
}

/* Its own stack, because the memory may be shared. */
pid_t clone_function(clone_fn *fn, void *arg, unsigned int flags, int *ret_pidfd)
{
	size_t size = (size_t)256 * 1024;
	int shared = flags & CLONE_SHARES_MEMORY ? CLONE_VM | CLONE_VFORK : 0;
	int files = flags & CLONE_SHARES_FILES ? CLONE_FILES : 0;
	int added = (flags & CLONE_WITH_PIDFD ? CLONE_PIDFD : 0) |
	            (flags & CLONE_WITH_NETWORK ? CLONE_NEWNET : 0);
	char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	pid_t pid;

	*ret_pidfd = -1;
	if (stack == MAP_FAILED)
		return -errno;
	pid = clone(fn, stack + size, shared | files | added | SIGCHLD, arg, ret_pidfd);
	if (pid < 0)
		pid = -errno;
	munmap(stack, size);
	return pid;
}
