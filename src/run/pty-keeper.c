/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nobody who is killed can tidy up: a process of its own keeps the modes of the caller's terminal,
 * and restores them when the monitor has ended without having done so.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/fds.h"
#include "run/pty.h"

bool pty_modes_are_raw(const struct termios *modes)
{
	struct termios raw = *modes;

	cfmakeraw(&raw);
	return raw.c_iflag == modes->c_iflag && raw.c_oflag == modes->c_oflag &&
	       raw.c_lflag == modes->c_lflag;
}

/* The caller may have the terminal back by now, and have set modes that are no business of ours. */
static void restore(const struct pty *pty)
{
	struct termios now;

	if (pty->modes->raw && pty->modes->known && tcgetattr(pty->tty, &now) == 0 &&
	    pty_modes_are_raw(&now))
		(void)tcsetattr(pty->tty, TCSANOW, &pty->modes->caller);
}

/* Until the monitor closes its end. A payload that stops stops the monitor, too, as the shell that
 * started it is to see that; its time goes on. */
static void wait_for_end(int end_fd, uint64_t timeout_ns)
{
	const uint64_t slack_ms = 500, again_ms = 1000, most_ms = 3600000;
	uint64_t left_ms = timeout_ns / 1000000 + slack_ms;
	struct pollfd end = { .fd = end_fd, .events = POLLIN };

	for (;;) {
		int ms = timeout_ns ? (int)(left_ms < most_ms ? left_ms : most_ms) : -1;
		int r = poll(&end, 1, ms);

		if (r > 0 || (r < 0 && errno != EINTR))
			return;
		if (r < 0)
			continue;
		left_ms -= (uint64_t)ms;
		if (left_ms > 0)
			continue;
		(void)kill(getppid(), SIGCONT);
		left_ms = again_ms;
	}
}

_Noreturn static void keeper_main(const struct pty *pty, int end_fd, uint64_t timeout_ns)
{
	int keep[] = { pty->tty, end_fd };
	sigset_t all;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_NAME, "sbx-terminal", 0, 0, 0);
	close(pty->keeper_fd);
	(void)fds_close_others(keep, ARRAY_LEN(keep));
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
	wait_for_end(end_fd, timeout_ns);
	restore(pty);
	_exit(0);
}

int pty_keep_modes(struct pty *pty, const struct plan *plan, struct err *err)
{
	int ends[2];

	pty->modes = mmap(NULL, sizeof(*pty->modes), PROT_READ | PROT_WRITE,
	                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pty->modes == MAP_FAILED) {
		pty->modes = NULL;
		return err_step(err, STEP_PTY, errno, NULL, NULL);
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_step(err, STEP_PTY, errno, NULL, NULL);
	pty->keeper_fd = ends[1];
	pty->keeper = fork();
	if (pty->keeper == 0)
		keeper_main(pty, ends[0], plan->limits.timeout_ns);
	close(ends[0]);
	if (pty->keeper < 0)
		return err_step(err, STEP_FORK, errno, "the keeper of the terminal", NULL);
	/* what it reads is not for the sandbox to write */
	if (madvise(pty->modes, sizeof(*pty->modes), MADV_DONTFORK) < 0)
		return err_step(err, STEP_PTY, errno, "MADV_DONTFORK", NULL);
	return 0;
}

void pty_dismiss_keeper(struct pty *pty)
{
	if (pty->keeper_fd >= 0)
		close(pty->keeper_fd);
	if (pty->keeper > 0)
		while (waitpid(pty->keeper, NULL, 0) < 0 && errno == EINTR)
			;
	if (pty->modes)
		munmap(pty->modes, sizeof(*pty->modes));
}
