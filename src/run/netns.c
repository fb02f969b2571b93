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

enum { MADE, NOT_JOINED, NOT_MADE = 2 }; /* how it ended; NOT_MADE: err says why */

struct maker {
	const struct run *run;
	int sock;
	int child_fd;
	bool given; /* the set-up has the namespace, and cannot do without its device */
	struct err err;
};

/* The helper has it as soon as it is there; the set-up need not know. */
static int give_device(const struct maker *maker, struct err *err)
{
	struct net_device device;
	int r = namespace_loopback_up(maker->run->plan, err);

	if (r == 0)
		r = net_device_make(maker->run->plan, &device, err);
	return r == 0 ? net_device_hand_over(maker->run->net_control, &device, err) : r;
}

/* Shares the monitor's memory, which stands still meanwhile, but not its descriptors. Its owner may
 * enter a user namespace whatever the maps; a pidfd is taken by setns(2) since Linux 5.8. */
static int make(void *arg)
{
	struct maker *maker = arg;
	bool has_device = maker->run->plan->net.mode == NET_MODE_USER;
	int fd;

	if (setns(maker->child_fd, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNET) < 0)
		_exit(NOT_JOINED);
	/* a device may follow, but lo must be up before the payload is */
	if (!has_device && namespace_loopback_up(maker->run->plan, &maker->err) < 0)
		_exit(NOT_JOINED);
	fd = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || sync_send_netns(maker->sock, fd) < 0)
		_exit(NOT_JOINED);
	maker->given = true;
	err_text(&maker->err, ECANCELED, "make the network device");
	_exit(has_device && give_device(maker, &maker->err) < 0 ? NOT_MADE : MADE);
}

int netns_give(const struct run *run, int sock, int child_fd, struct err *err)
{
	struct maker maker = { .run = run, .sock = sock, .child_fd = child_fd };
	int status = -1;
	int pidfd;
	pid_t pid;
	int r = 0;

	if (!netns_is_beside(run->plan))
		return 0;
	pid = clone_function(make, &maker, CLONE_SHARES_MEMORY, &pidfd);
	while (pid > 0 && waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	if (status != MADE && maker.given) {
		*err = maker.err;
		return -ECANCELED;
	}
	if (status != MADE)
		r = sync_send_netns(sock, -1);
	/* a set-up that died is seen by the monitor */
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		return 0;
	return err_step(err, STEP_SYNC, -r, NULL, NULL);
}

int netns_begin(struct run *run, struct err *err)
{
	run->net_is_own = !netns_is_beside(run->plan);
	return run->net_is_own ? namespace_loopback_up(run->plan, err) : 0;
}

/* Joins what was made, or makes what was not. */
static int join(const struct run *run, struct err *err)
{
	bool has_device = run->plan->net.mode == NET_MODE_USER;
	struct sync_message message;
	int r = sync_receive(run->sync, false, &message);

	if (r == 0)
		_exit(125); /* the monitor gave up, and has said why */
	if (r < 0 || message.kind != SYNC_NETNS)
		return err_step(err, STEP_SYNC, r < 0 ? -r : EBADMSG, NULL, NULL);
	if (message.fd < 0) {
		r = namespace_net(run, err);
		return r == 0 ? net_attach(run, err) : r;
	}
	if (setns(message.fd, CLONE_NEWNET) < 0)
		r = err_step(err, STEP_SETNS, errno, "net", NULL);
	else if (has_device)
		net_relax(run);
	close(message.fd);
	return r < 0 ? r : 0;
}

int netns_take_early(const struct run *run, struct err *err)
{
	return !run->net_is_own && run->plan->net.mode == NET_MODE_USER ? join(run, err) : 0;
}

int netns_take(const struct run *run, struct err *err)
{
	return !run->net_is_own && run->plan->net.mode != NET_MODE_USER ? join(run, err) : 0;
}
