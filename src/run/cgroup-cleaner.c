/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/cgroup-cleaner.h"

#include <errno.h>
#include <fcntl.h>
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
	bool made; /* or else the descriptor is its parent's, and it may not be there */
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
		if (charged)
			close(cgroup->base_fd);
		cgroup->base_fd = fd;
		cgroup->ours = charge->ours;
		cgroup->path = charge->path;
		charged = true;
	}
}

/* What the monitor did not live to charge us with has nobody in it. If there is more to it, it is
 * somebody else's, who was first to use the name. */
static int remove_unmade(const struct cgroup *cgroup)
{
	const char *name = strrchr(cgroup->path, '/') + 1;

	return unlinkat(cgroup->base_fd, name, AT_REMOVEDIR);
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
	_exit((charge.made ? cgroup_destroy(&cgroup) : remove_unmade(&cgroup)) < 0 ? 1 : 0);
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

static int charge_with(const struct cleaner *cleaner, struct charge *charge, const char *path,
                       int fd, struct err *err)
{
	struct fdpass message = { charge, sizeof(*charge), &fd, 1 };
	int r;

	if (strlen(path) >= sizeof(charge->path))
		return err_text(err, ENAMETOOLONG, "use the cgroup %s", path);
	memcpy(charge->path, path, strlen(path) + 1);
	r = fdpass_send(cleaner->sock, &message);
	return r < 0 ? err_step(err, STEP_SYNC, -r, NULL, NULL) : 0;
}

int cleaner_expect(const struct cleaner *cleaner, const struct cgroup *cgroup, int parent_fd,
                   struct err *err)
{
	struct charge charge = { .made = false };

	return charge_with(cleaner, &charge, cgroup->path, parent_fd, err);
}

int cleaner_charge(const struct cleaner *cleaner, const struct cgroup *cgroup, struct err *err)
{
	struct charge charge = { .made = true, .ours = cgroup->ours };

	return charge_with(cleaner, &charge, cgroup->path, cgroup->base_fd, err);
}

void cleaner_dismiss(const struct cleaner *cleaner)
{
	(void)kill(cleaner->pid, SIGKILL);
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
