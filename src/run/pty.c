/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/fds.h"
#include "run/run.h"

static int fail(struct err *err, int num, const char *what)
{
	return err_step(err, STEP_PTY, num, what, NULL);
}

/* Which terminal fd is, whatever name it was opened by. Returns 1, 0 for what is none, or -errno.
 */
static int find_device(int fd, unsigned long *ret)
{
	unsigned int dev;
	struct stat st;
	int r = fds_is_terminal(fd);

	if (r <= 0)
		return r;
	if (ioctl(fd, TIOCGDEV, &dev) == 0) {
		*ret = dev;
		return 1;
	}
	if ((errno != ENOTTY && errno != EINVAL) || fstat(fd, &st) < 0)
		return -errno;
	*ret = st.st_rdev;
	return 1;
}

static int is_terminal(int fd, unsigned long dev)
{
	unsigned long other = 0;
	int r = find_device(fd, &other);

	return r > 0 ? other == dev : r;
}

static bool can_both(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

/* The caller's terminal once more, so that O_NONBLOCK is ours alone. The file may belong to
 * somebody else (su(1)) while /dev/tty is everybody's; one without a name is used as it is. */
static int open_again(const struct pty *pty, unsigned long dev)
{
	static const char *const names[] = { "/dev/tty", "/proc/self/fd/0" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_fd int fd = open(names[i], O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

		if (fd >= 0 && is_terminal(fd, dev) > 0)
			return steal_fd(&fd);
	}
	for (int fd = 0; fd <= 2; fd++)
		if ((pty->std & 1U << fd) && can_both(fd))
			return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	errno = EACCES;
	return -1;
}

static int find_caller(struct pty *pty, struct err *err)
{
	unsigned long dev = 0;
	int r = find_device(STDIN_FILENO, &dev);

	if (r <= 0)
		return fail(err, r < 0 ? -r : ENOTTY, "standard input");
	for (int fd = 0; fd <= 2; fd++) {
		r = is_terminal(fd, dev);
		if (r < 0)
			return fail(err, -r, "the caller's");
		pty->std |= r ? 1U << fd : 0;
	}
	pty->tty = open_again(pty, dev);
	return pty->tty < 0 ? fail(err, errno, "the caller's") : 0;
}

static int make_pair(struct pty *pty, struct err *err)
{
	int locked = 0;
	struct termios modes;
	struct winsize size;

	pty->master = open("/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (pty->master < 0 || ioctl(pty->master, TIOCSPTLCK, &locked) < 0)
		return fail(err, errno, "/dev/ptmx");
	pty->slave = ioctl(pty->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty->slave < 0)
		return fail(err, errno, "TIOCGPTPEER");
	if (tcgetattr(pty->tty, &modes) < 0 || tcsetattr(pty->slave, TCSANOW, &modes) < 0)
		return fail(err, errno, "the modes");
	if (ioctl(pty->tty, TIOCGWINSZ, &size) < 0 || ioctl(pty->master, TIOCSWINSZ, &size) < 0)
		return fail(err, errno, "the size");
	return 0;
}

/* Pid 1 can do something for the payload when it may make more than its four calls. */
static bool can_show(const struct plan *plan)
{
	return plan->process.has_init && plan->personality == PERSONALITY_NATIVE &&
	       plan->seccomp_fd < 0 && !plan->seccomp_fds.len;
}

/* As in a command substitution of an interactive shell: nothing would stop the payload for asking.
 */
static bool cannot_be_stopped(void)
{
	struct sigaction action;
	sigset_t blocked;

	return sigaction(SIGTTIN, NULL, &action) < 0 || action.sa_handler == SIG_IGN ||
	       sigprocmask(SIG_BLOCK, NULL, &blocked) < 0 || sigismember(&blocked, SIGTTIN);
}

/* Whose output goes elsewhere may share the terminal with a pager, and one in the background may
 * not read it: these get no keys before they ask. */
static bool is_lazy(const struct pty *pty)
{
	pid_t group = tcgetpgrp(pty->tty);

	return !(pty->std & 1U << STDOUT_FILENO) || (group >= 0 && group != getpgrp());
}

int pty_open(const struct plan *plan, struct pty **ret, struct err *err)
{
	struct pty *pty;
	int r;

	*ret = NULL;
	if (!plan->process.has_pty)
		return 0;
	pty = calloc(1, sizeof(*pty));
	if (!pty)
		return fail(err, ENOMEM, NULL);
	pty->master = pty->slave = pty->tty = pty->payload_fd = pty->keeper_fd = -1;
	r = find_caller(pty, err);
	if (r == 0)
		r = make_pair(pty, err);
	if (r == 0)
		r = pty_keep_modes(pty, plan, err);
	if (r < 0) {
		pty_free(pty);
		return r;
	}
	pty->shows = can_show(plan);
	pty->lazy = pty->shows && is_lazy(pty) && !cannot_be_stopped();
	pty->wants = !pty->lazy;
	pty->reports = plan->process.has_init;
	*ret = pty;
	return 0;
}

void pty_free(struct pty *pty)
{
	const int fds[] = { pty->master, pty->slave, pty->tty };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pty_dismiss_keeper(pty);
	free(pty);
}

int pty_adopt(const struct run *run, struct err *err)
{
	const struct pty *pty = run->pty;

	if (!pty)
		return 0;
	for (int fd = 0; fd <= 2; fd++)
		if ((pty->std & 1U << fd) && dup2(pty->slave, fd) < 0)
			return fail(err, errno, "dup2");
	close(pty->tty);
	close(pty->master);
	close(pty->keeper_fd);
	return 0;
}

int pty_lead_session(const struct run *run, struct err *err)
{
	if ((run->plan->process.new_session || run->pty) && setsid() < 0)
		return err_step(err, STEP_SETSID, errno, NULL, NULL);
	if (run->pty && ioctl(run->pty->slave, TIOCSCTTY, 0) < 0)
		return fail(err, errno, "TIOCSCTTY");
	return 0;
}

/* Below the leader of the session, in a group of its own: then the group is not orphaned, and the
 * kernel lets Ctrl-Z stop it (setpgid(2)). */
int pty_join_session(const struct run *run, struct err *err)
{
	pid_t self = getpid();
	sigset_t ttou;

	if (!run->pty || !run->plan->process.has_init)
		return 0;
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	if (sigprocmask(SIG_BLOCK, &ttou, NULL) < 0)
		return err_step(err, STEP_PRCTL, errno, "signal mask", NULL);
	if (setpgid(0, 0) < 0)
		return fail(err, errno, "setpgid");
	if (!run->pty->lazy && ioctl(run->pty->slave, TIOCSPGRP, &self) < 0)
		return fail(err, errno, "TIOCSPGRP");
	return 0;
}

void pty_show(const struct run *run, pid_t payload, int sig)
{
	/* that it failed, the monitor sees when the payload stops again */
	if (run->pty->shows && (sig == SIGTTIN || sig == SIGTTOU))
		(void)ioctl(run->pty->slave, TIOCSPGRP, &payload);
}
