/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel locks the mounts of a mount namespace when it is copied into one that another user
 * namespace owns. The payload's is to be owned by the payload's own user namespace, which owns the
 * network and the rest, too: so there are two copies. A short-lived child makes the first one in a
 * user namespace below; the second one, back in ours, is where the payload runs.
 */
#include "run/lock-mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/clone.h"
#include "run/run.h"

struct copy {
	int proc_fd;
	int fd; /* the first copy, or -errno; left alone: the child was killed */
};

/* Shares the memory and the descriptors of the caller, which stands still. */
static int make_first_copy(void *arg)
{
	struct copy *copy = arg;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
		copy->fd = -errno;
		_exit(1);
	}
	copy->fd = openat(copy->proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (copy->fd < 0)
		copy->fd = -errno;
	_exit(0);
}

static int failed(int num, struct err *err)
{
	return err_text(err, num, "lock the mounts that --cap-add CAP_SYS_ADMIN could undo");
}

int lock_mounts(const struct run *run, struct err *err)
{
	struct copy copy = { .proc_fd = run->proc_fd, .fd = -ECHILD };
	const unsigned int flags = CLONE_SHARES_MEMORY | CLONE_SHARES_FILES;
	cleanup_fd int fd = -1;
	int pidfd;
	pid_t pid;

	if (!run->plan->ns.lock_mounts)
		return 0;
	pid = clone_function(make_first_copy, &copy, flags, &pidfd);
	if (pid < 0)
		return failed(-pid, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (copy.fd < 0)
		return failed(-copy.fd, err);
	fd = copy.fd;
	if (setns(fd, CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0)
		return failed(errno, err);
	return 0;
}
