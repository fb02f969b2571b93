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
	int fd; /* its number is to be the first copy's */
};

/* Shares the descriptors of the caller. Exits with 0 or an errno. */
static int make_first_copy(void *arg)
{
	const struct copy *copy = arg;
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		_exit(errno);
	fd = openat(copy->proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || dup3(fd, copy->fd, O_CLOEXEC) < 0)
		_exit(errno);
	_exit(close(fd) < 0 ? errno : 0);
}

static int failed(int num, struct err *err)
{
	return err_text(err, num, "lock the mounts that --cap-add CAP_SYS_ADMIN could undo");
}

/* Memory is shared to spare the copy of the page tables; not by who has made a time namespace for
 * its children, before Linux 6.3. */
static pid_t start(const struct run *run, struct copy *copy)
{
	unsigned int flags = CLONE_SHARES_FILES;
	int pidfd;

	if (!run->plan->ns.time)
		flags |= CLONE_SHARES_MEMORY;
	return clone_function(make_first_copy, copy, flags, &pidfd);
}

int lock_mounts(const struct run *run, struct err *err)
{
	struct copy copy = { .proc_fd = run->proc_fd };
	cleanup_fd int fd = -1;
	int status = 0;
	pid_t pid;

	if (!run->plan->ns.lock_mounts)
		return 0;
	copy.fd = fd = fcntl(run->proc_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return failed(errno, err);
	pid = start(run, &copy);
	if (pid < 0)
		return failed(-pid, err);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return failed(errno, err);
	if (status != 0)
		return failed(WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD, err);
	if (setns(fd, CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0)
		return failed(errno, err);
	return 0;
}
