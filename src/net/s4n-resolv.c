/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/s4n-resolv.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/resolvers.h"

/* It must hold nothing of the caller's, who may wait for the end of a pipe. Without close_range(2),
 * before Linux 5.9, the servers stay those of the start. */
static _Noreturn void tell(int sock)
{
	if (dup2(sock, 0) < 0 || syscall(SYS_close_range, 1, ~0U, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(1);
	prctl(PR_SET_NAME, "sbx-net-resolv", 0, 0, 0);
	while (resolvers_answer(0, 0) >= 0)
		;
	_exit(0);
}

int s4n_resolv_start(int *ret_sock, struct err *err)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_text(err, errno, "make a socket pair");
	pid = fork();
	if (pid == 0)
		tell(pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return err_text(err, errno, "start a process");
	}
	*ret_sock = pair[0];
	return 0;
}
