/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/parse.h"
#include "core/plan.h"
#include "run/clone.h"
#include "run/run.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

const char *const namespace_names[NS_IDS] = { "cgroup", "ipc", "mnt", "net", "pid", "uts" };

int namespace_loopback_up(const struct plan *plan, struct err *err)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	cleanup_fd int sock = -1;

	if (!plan->ns.net)
		return 0;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return err_step(err, STEP_LOOPBACK, errno, NULL, NULL);
	return 0;
}

struct new_net {
	int proc_fd;
	int fd;
};

/* Shares our memory and our descriptors, but not our network. */
static int open_new_net(void *arg)
{
	struct new_net *new = arg;

	new->fd = openat(new->proc_fd, "self/ns/net", O_RDONLY | O_CLOEXEC);
	_exit(new->fd < 0);
}

/* A container's filter may refuse unshare(2) alone: a child is cloned with the namespace then, and
 * we join it. errno stays that of unshare(2). */
static int clone_net(int proc_fd)
{
	struct new_net new = { proc_fd, -1 };
	int num = errno;
	int pidfd;
	pid_t pid = clone_function(open_new_net, &new,
	                           CLONE_SHARES_MEMORY | CLONE_SHARES_FILES | CLONE_WITH_NETWORK,
	                           &pidfd);
	int r = -1;

	while (pid > 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	if (new.fd >= 0) {
		r = setns(new.fd, CLONE_NEWNET);
		close(new.fd);
	}
	errno = num;
	return r;
}

int namespace_net(const struct run *run, struct err *err)
{
	if (unshare(CLONE_NEWNET) == 0 ||
	    ((errno == EPERM || errno == ENOSYS) && clone_net(run->proc_fd) == 0))
		return namespace_loopback_up(run->plan, err);
	if (errno == ENOSPC)
		return err_step(err, STEP_CLONE_ENOSPC, 0, NULL, NULL) < 0 ? -ENOSPC : 0;
	return err_step(err, STEP_UNSHARE, errno, "net", NULL);
}

static int set_offset(int fd, const char *clock, const char *text, struct err *err)
{
	char line[64];
	int64_t sec;
	long nsec;

	if (!text)
		return 0;
	if (parse_offset(text, &sec, &nsec) < 0)
		return err_step(err, STEP_TIME_OFFSET, EINVAL, clock, NULL);
	snprintf(line, sizeof(line), "%s %lld %ld\n", clock, (long long)sec, nsec);
	if (write(fd, line, strlen(line)) < 0)
		return err_step(err, STEP_TIME_OFFSET, errno, clock, NULL);
	return 0;
}

static int set_offsets(const struct run *run, struct err *err)
{
	const struct plan_ns *ns = &run->plan->ns;
	cleanup_fd int fd = -1;
	int r;

	if (!ns->boottime && !ns->monotonic)
		return 0;
	fd = openat(run->proc_fd, "self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_step(err, STEP_TIME_OFFSET, errno, "clock", NULL);
	r = set_offset(fd, "monotonic", ns->monotonic, err);
	return r < 0 ? r : set_offset(fd, "boottime", ns->boottime, err);
}

/* A new time namespace is for the children; who executes a program enters it, too, but not before
 * Linux 6.3. */
int namespace_time(const struct run *run, struct err *err)
{
	cleanup_fd int fd = -1;
	int r;

	if (!run->plan->ns.time)
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return err_step(err, STEP_UNSHARE, errno, "time", NULL);
	r = set_offsets(run, err);
	if (r < 0 || run->plan->process.has_init)
		return r;
	fd = openat(run->proc_fd, "self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		return err_step(err, STEP_UNSHARE, errno, "time", NULL);
	return 0;
}

int namespace_ids(const struct plan *plan, pid_t pid, uint64_t ret[NS_IDS], struct err *err)
{
	const struct plan_ns *ns = &plan->ns;
	const bool made[NS_IDS] = { ns->cgroup, ns->ipc, true, ns->net, ns->pid, ns->uts };

	for (size_t i = 0; i < NS_IDS; i++) {
		char path[64];
		struct stat st;

		ret[i] = 0;
		if (!made[i])
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, namespace_names[i]);
		if (stat(path, &st) < 0)
			return err_step(err, STEP_NS_READ, errno, namespace_names[i], NULL);
		ret[i] = st.st_ino;
	}
	return 0;
}
