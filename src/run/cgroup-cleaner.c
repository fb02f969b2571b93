/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/cgroup-cleaner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "run/cgroup.h"
#include "run/fdpass.h"
#include "run/fds.h"

enum { PATH_ROOM = 4096 };

struct charge {
	bool ours;
	char path[PATH_ROOM];
};

/* Waits for the charge, then for the end of the file. Returns false when there never was one, or
 * when it cannot be waited for: the monitor sees to it then. */
static bool wait_for_word(int sock, struct cgroup *cgroup, struct charge *charge)
{
	bool charged = false;

	for (;;) {
		int fd = -1;
		struct fdpass message = { charge, sizeof(*charge), &fd, 1 };
		ssize_t n = fdpass_receive(sock, 0, &message);

		if (n <= 0)
			return charged && n == 0;
		if (n != sizeof(*charge) || fd < 0)
			continue;
		cgroup->base_fd = fd;
		cgroup->ours = charge->ours;
		cgroup->path = charge->path;
		charged = true;
	}
}

/* Signals that a terminal or a service manager sends around are for the payload: what the cleaner
 * serves ends first, and then it does. */
_Noreturn static void cleaner_main(int sock)
{
	struct cgroup cgroup = CGROUP_NONE_OPEN;
	struct charge charge;
	sigset_t all;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_NAME, "sbx-cleaner", 0, 0, 0);
	/* with our own end of the other one we would never hear of its end */
	if (fds_close_others(&sock, 1) < 0)
		_exit(1);
	for (int fd = 0; fd <= 2; fd++) {
		if (fd != sock)
			close(fd);
	}
	if (!wait_for_word(sock, &cgroup, &charge))
		_exit(1);
	_exit(cgroup_destroy(&cgroup) < 0 ? 1 : 0);
}

int cleaner_start(struct cleaner *cleaner, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_step(err, STEP_SYNC, errno, NULL, NULL);
	cleaner->pid = fork();
	if (cleaner->pid == 0)
		cleaner_main(pair[1]);
	close(pair[1]);
	cleaner->sock = pair[0];
	if (cleaner->pid < 0) {
		close(pair[0]);
		return err_step(err, STEP_FORK, errno, "the cleaner", NULL);
	}
	return 0;
}

int cleaner_charge(const struct cleaner *cleaner, const struct cgroup *cgroup, struct err *err)
{
	struct charge charge = { .ours = cgroup->ours };
	int fd = cgroup->base_fd;
	struct fdpass message = { &charge, sizeof(charge), &fd, 1 };
	int r;

	if (strlen(cgroup->path) >= sizeof(charge.path))
		return err_text(err, ENAMETOOLONG, "use the cgroup %s", cgroup->path);
	memcpy(charge.path, cgroup->path, strlen(cgroup->path) + 1);
	r = fdpass_send(cleaner->sock, &message);
	return r < 0 ? err_step(err, STEP_SYNC, -r, NULL, NULL) : 0;
}

bool cleaner_finish(struct cleaner *cleaner)
{
	int status = -1;

	if (cleaner->pid <= 0)
		return false;
	close(steal_fd(&cleaner->sock));
	while (waitpid(cleaner->pid, &status, 0) < 0 && errno == EINTR)
		;
	cleaner->pid = 0;
	return status == 0;
}
