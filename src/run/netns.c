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
#include "run/net.h"
#include "run/report.h"
#include "run/run.h"
#include "run/sync.h"

bool netns_is_beside(const struct plan *plan)
{
	const struct plan_ns *ns = &plan->ns;

	/* those who are told of the sandbox before its set-up find it in its namespaces */
	return ns->net && ns->new_user && ns->pidns_fd < 0 && !report_is_wanted(plan) &&
	       plan->process.userns_block_fd < 0;
}

enum { NETNS, DEVICE };                  /* what is sent, in this order; then the listeners */
enum { MADE, NOT_JOINED, NOT_MADE = 2 }; /* how it ended; NOT_MADE: err says why */

struct maker {
	const struct plan *plan;
	int sock;
	int child_fd;
	struct err err;
};

static int make_with_device(const struct maker *maker, struct err *err)
{
	struct net_device device;
	int fds[SYNC_FDS_MAX];
	size_t n = DEVICE;
	int r = namespace_loopback_up(maker->plan, err);

	if (r < 0)
		return r;
	fds[NETNS] = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fds[NETNS] < 0)
		return err_step(err, STEP_NS_READ, errno, "net", NULL);
	r = net_device_make(maker->plan, &device, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < device.count; i++)
		fds[n++] = device.fds[i];
	r = sync_send_netns(maker->sock, fds, n);
	return r < 0 && r != -EPIPE && r != -ECONNRESET ? err_step(err, STEP_SYNC, -r, NULL, NULL)
	                                                : 0;
}

/* Shares the monitor's memory, which stands still meanwhile, but not its descriptors. Its owner may
 * enter a user namespace whatever the maps; a pidfd is taken by setns(2) since Linux 5.8. */
static int make(void *arg)
{
	struct maker *maker = arg;
	int fd;

	if (setns(maker->child_fd, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNET) < 0)
		_exit(NOT_JOINED);
	if (maker->plan->net.mode == NET_MODE_USER) {
		if (sync_send_go(maker->sock) < 0)
			_exit(NOT_JOINED);
		_exit(make_with_device(maker, &maker->err) < 0 ? NOT_MADE : MADE);
	}
	if (namespace_loopback_up(maker->plan, &maker->err) < 0)
		_exit(NOT_JOINED);
	fd = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_exit(fd < 0 || sync_send_netns(maker->sock, &fd, 1) < 0 ? NOT_JOINED : MADE);
}

int netns_give(const struct plan *plan, int sock, int child_fd, struct err *err)
{
	struct maker maker = { .plan = plan, .sock = sock, .child_fd = child_fd };
	int status = -1;
	int pidfd;
	pid_t pid;
	int r = 0;

	if (!netns_is_beside(plan))
		return 0;
	pid = clone_function(make, &maker, CLONE_SHARES_MEMORY, &pidfd);
	while (pid > 0 && waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_MADE) {
		*err = maker.err;
		return -ECANCELED;
	}
	if (status != 0)
		r = sync_send_netns(sock, NULL, 0);
	/* a set-up that died is seen by the monitor */
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		return 0;
	return err_step(err, STEP_SYNC, -r, NULL, NULL);
}

static int receive(const struct run *run, struct sync_message *message, struct err *err)
{
	int r = sync_receive(run->sync, false, message);

	if (r == 0)
		_exit(125); /* the monitor gave up, and has said why */
	if (r < 0 || (message->kind != SYNC_NETNS && message->kind != SYNC_GO))
		return err_step(err, STEP_SYNC, r < 0 ? -r : EBADMSG, NULL, NULL);
	return 0;
}

int netns_begin(struct run *run, struct err *err)
{
	const struct plan *plan = run->plan;
	struct sync_message message;
	int r;

	run->net_is_own = !netns_is_beside(plan);
	if (run->net_is_own)
		return namespace_loopback_up(plan, err);
	if (plan->net.mode != NET_MODE_USER)
		return 0;
	r = receive(run, &message, err);
	run->net_is_own = r == 0 && message.kind == SYNC_NETNS;
	return run->net_is_own ? namespace_net(run, err) : r;
}

/* What came with the namespace. */
static int take_device(const struct run *run, const struct sync_message *message, struct err *err)
{
	struct net_device device = { 0 };

	while (device.count < NET_DEVICE_FDS && message->fds[DEVICE + device.count] >= 0) {
		device.fds[device.count] = message->fds[DEVICE + device.count];
		device.count++;
	}
	if (device.count == 0)
		return err_step(err, STEP_SYNC, EBADMSG, NULL, NULL);
	return net_device_hand_over(run, &device, err);
}

int netns_take(const struct run *run, struct err *err)
{
	struct sync_message message;
	int r;

	if (run->net_is_own)
		return 0;
	r = receive(run, &message, err);
	if (r < 0)
		return r;
	if (message.fds[NETNS] < 0 && run->plan->net.mode != NET_MODE_USER)
		return namespace_net(run, err);
	if (setns(message.fds[NETNS], CLONE_NEWNET) < 0)
		r = err_step(err, STEP_SETNS, errno, "net", NULL);
	else if (run->plan->net.mode == NET_MODE_USER)
		r = take_device(run, &message, err);
	for (size_t i = 0; i < SYNC_FDS_MAX; i++)
		if (message.fds[i] >= 0)
			close(message.fds[i]);
	return r;
}
