/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/net-helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/errno-text.h"
#include "run/fds.h"
#include "run/helper.h"
#include "run/idmap.h"
#include "run/net.h"

enum { CONTROL_FD = 3 };

static int arrange_fds(int control)
{
	int keep = CONTROL_FD;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return -errno;
	if (control != CONTROL_FD && dup2(control, CONTROL_FD) < 0)
		return -errno;
	if (fcntl(CONTROL_FD, F_SETFD, 0) < 0)
		return -errno;
	return fds_close_others(&keep, 1);
}

static void execute(const char *path)
{
	char *argv[] = { (char *)"sbx-net", (char *)"--control-fd", (char *)"3",
		         (char *)"--in-userns", NULL };
	char *env[] = { NULL }; /* the caller's could steer libraries */

	execve(path, argv, env);
}

static _Noreturn void child_main(int control, uid_t uid, gid_t gid)
{
	char text[2 * PATH_MAX];
	char path[PATH_MAX];
	const char *step = "map the ids of the network helper";
	sigset_t none;
	int r = idmap_become_root(uid, gid);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (r == 0) {
		step = "prepare the descriptors of the network helper";
		r = arrange_fds(control);
		if (r == 0)
			control = CONTROL_FD;
	}
	if (r == 0) {
		step = "execute the network helper";
		helper_find("sbx-net", path, sizeof(path));
		execute(path);
		r = -errno;
	}
	snprintf(text, sizeof(text), "error %d %s: %s\n", -r, step, errno_text(-r));
	(void)!send(control, text, strlen(text), MSG_NOSIGNAL);
	_exit(125);
}

int net_helper_start(struct net *ret, struct err *err)
{
	unsigned long flags = CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int pair[2];
	long pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_text(err, errno, "make a socket pair for the network helper");
		/* as fork(2): a new stack is not wanted, and clone(3) insists on one */
#if defined(__s390__) || defined(__CRIS__)
	pid = syscall(SYS_clone, NULL, flags, NULL, NULL, 0);
#else
	pid = syscall(SYS_clone, flags, NULL, NULL, NULL, 0);
#endif
	if (pid == 0)
		child_main(pair[1], uid, gid);
	close(pair[1]);
	if (pid < 0) {
		int num = errno;

		close(pair[0]);
		return err_text(err, num, "start the network helper in its own namespaces");
	}
	*ret = (struct net){ .pid = (pid_t)pid, .control = pair[0], .ask = -1 };
	return 0;
}
