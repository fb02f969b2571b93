/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/clone.h"
#include "run/namespace.h"
#include "run/report.h"
#include "run/run.h"
#include "run/sync.h"

bool netns_is_beside(const struct plan *plan)
{
	const struct plan_ns *ns = &plan->ns;

	/* those who are told of the sandbox before its set-up, and the network helper, find it in
	 * its namespaces */
	return ns->net && ns->new_user && ns->pidns_fd < 0 && !report_is_wanted(plan) &&
	       plan->process.userns_block_fd < 0 && plan->net.mode != NET_MODE_USER;
}

struct maker {
	const struct plan *plan;
	int sock;
	int child_fd;
};

/* Shares the monitor's memory, which stands still meanwhile. Its owner may enter a user namespace
 * whatever the maps; a pidfd is taken by setns(2) since Linux 5.8. */
static int make(void *arg)
{
	const struct maker *maker = arg;
	struct err err;
	int fd;

	if (setns(maker->child_fd, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNET) < 0 ||
	    namespace_loopback_up(maker->plan, &err) < 0)
		_exit(1);
	fd = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_exit(fd < 0 || sync_send_netns(maker->sock, fd) < 0);
}

int netns_give(const struct plan *plan, int sock, int child_fd, struct err *err)
{
	struct maker maker = { plan, sock, child_fd };
	int status = -1;
	int pidfd;
	pid_t pid;
	int r = 0;

	if (!netns_is_beside(plan))
		return 0;
	pid = clone_function(make, &maker, CLONE_SHARES_MEMORY, &pidfd);
	while (pid > 0 && waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	if (status != 0)
		r = sync_send_netns(sock, -1);
	/* a set-up that died is seen by the monitor */
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		return 0;
	return err_step(err, STEP_SYNC, -r, NULL, NULL);
}

int netns_take(const struct run *run, struct err *err)
{
	struct sync_message message;
	int r;

	if (!netns_is_beside(run->plan))
		return 0;
	r = sync_receive(run->sync, false, &message);
	if (r == 0)
		_exit(125); /* the monitor gave up, and has said why */
	if (r < 0 || message.kind != SYNC_NETNS)
		return err_step(err, STEP_SYNC, r < 0 ? -r : EBADMSG, NULL, NULL);
	if (message.fd < 0)
		return namespace_net(run, err);
	r = setns(message.fd, CLONE_NEWNET) < 0 ? err_step(err, STEP_SETNS, errno, "net", NULL) : 0;
	close(message.fd);
	return r;
}
