/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/pty-relay.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/clone.h"
#include "run/pty.h"

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1U << 2)
#endif

/* A terminal that is not ours to control has no foreground, and nobody to share it with. */
static bool is_foreground(const struct pty *pty)
{
	pid_t group = tcgetpgrp(pty->tty);

	return group < 0 ? errno == ENOTTY : group == getpgrp();
}

/* In the background the kernel would stop us for it; should we have got there just now, we rather
 * set the modes. */
static int set_modes(const struct pty *pty, const struct termios *modes)
{
	sigset_t ttou, before;
	int r;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &ttou, &before);
	r = tcsetattr(pty->tty, TCSANOW, modes);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

static void copy_size(const struct pty *pty)
{
	struct winsize size;

	if (pty->tty >= 0 && ioctl(pty->tty, TIOCGWINSZ, &size) == 0)
		(void)ioctl(pty->master, TIOCSWINSZ, &size);
}

/* A terminal that is raw already is somebody's who sees to that: another sbx, or a shell that has
 * put the modes of this job back. They are not what the caller's terminal was like before us. */
static void take_terminal(struct pty *pty)
{
	struct pty_modes *modes = pty->modes;
	struct termios now;

	if (pty->tty < 0 || !pty->wants || !is_foreground(pty) || tcgetattr(pty->tty, &now) < 0)
		return;
	if (pty_modes_are_raw(&now)) {
		modes->raw = true;
	} else {
		modes->caller = now;
		modes->known = true;
		modes->raw = true; /* before it is: the keeper is to know */
		cfmakeraw(&now);
		if (set_modes(pty, &now) < 0)
			modes->raw = false;
	}
	copy_size(pty);
}

/* Nobody else's modes are touched: in the background they are a shell's. */
static void give_back(const struct pty *pty)
{
	struct pty_modes *modes = pty->modes;

	if (modes->raw && modes->known && is_foreground(pty))
		(void)set_modes(pty, &modes->caller);
	modes->raw = false;
}

static void signal_group(const struct pty *pty, int sig)
{
	pid_t pid;

	if (pty->payload_fd < 0 || syscall(SYS_pidfd_send_signal, pty->payload_fd, sig, NULL,
	                                   PIDFD_SIGNAL_PROCESS_GROUP) == 0)
		return;
	/* Linux 6.9, and a filter that does not know the call */
	if (errno != EINVAL && errno != ENOSYS && errno != EPERM)
		return;
	pid = clone_pid_of(pty->payload_fd);
	if (pid > 1)
		(void)kill(-pid, sig);
}

/* The session's leader is pid 1, which hears no SIGHUP; the payload is to. */
static void hang_up(struct pty *pty)
{
	close(pty->master);
	close(pty->slave);
	close(pty->tty);
	pty->master = pty->slave = pty->tty = -1;
	pty->modes->raw = pty->wants = pty->owes_cont = false;
	signal_group(pty, SIGHUP);
	signal_group(pty, SIGCONT);
}

/* What a terminal will not have is lost; that it has gone is for poll(2) to say. */
static void flush(int fd, struct pty_bytes *buf)
{
	while (buf->at < buf->len) {
		ssize_t n = write(fd, buf->bytes + buf->at, buf->len - buf->at);

		if (n > 0)
			buf->at += (size_t)n;
		else if (n == 0 || errno == EAGAIN)
			return;
		else if (errno != EINTR)
			break;
	}
	buf->at = buf->len = 0;
}

/* Only of an empty one. The end of a file means nothing here: somebody else may have set modes in
 * which a key says it. */
static void fill(int fd, struct pty_bytes *buf)
{
	ssize_t n;

	if (buf->len)
		return;
	do {
		n = read(fd, buf->bytes, sizeof(buf->bytes));
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		buf->len = (size_t)n;
}

static void carry_out(struct pty *pty, bool readable)
{
	if (readable)
		fill(pty->master, &pty->out);
	flush(pty->tty, &pty->out);
}

static void carry_in(struct pty *pty, bool readable)
{
	if (readable && is_foreground(pty))
		fill(pty->tty, &pty->in);
	else if (readable)
		pty->modes->raw = false;
	flush(pty->master, &pty->in);
}

/* A payload that stopped for input goes on when we may read it. */
static void pay_cont(struct pty *pty)
{
	if (!pty->owes_cont || (pty->wants && !pty->modes->raw))
		return;
	pty->owes_cont = false;
	signal_group(pty, SIGCONT);
}

void pty_begin(struct pty *pty)
{
	take_terminal(pty);
}

void pty_started(struct pty *pty, int payload_fd)
{
	pty->payload_fd = payload_fd;
}

/* A shell that brings a running job to the foreground does not say so. */
int pty_wants(const struct pty *pty, struct pollfd fds[PTY_FDS])
{
	enum { LOOK_AGAIN_MS = 250 };

	fds[0] = (struct pollfd){ .fd = pty->master };
	fds[1] = (struct pollfd){ .fd = pty->tty };
	if (!pty->out.len)
		fds[0].events |= POLLIN;
	else
		fds[1].events |= POLLOUT;
	if (pty->in.len)
		fds[0].events |= POLLOUT;
	else if (pty->modes->raw)
		fds[1].events |= POLLIN;
	return pty->wants && !pty->modes->raw ? LOOK_AGAIN_MS : -1;
}

void pty_relay(struct pty *pty, const struct pollfd fds[PTY_FDS])
{
	if (pty->tty < 0)
		return;
	if (!pty->modes->raw)
		take_terminal(pty);
	pay_cont(pty);
	if (fds[0].revents || (fds[1].revents & POLLOUT))
		carry_out(pty, fds[0].revents & POLLIN);
	if (fds[1].revents & (POLLHUP | POLLERR | POLLNVAL))
		hang_up(pty);
	else if (fds[1].revents || (fds[0].revents & POLLOUT))
		carry_in(pty, fds[1].revents & POLLIN);
}

/* More than a terminal can hold (64 KiB, Linux' tty_buffer.c): what is left running in a pid
 * namespace that is not its own may go on to write for ever. */
enum { READY_MAX = 256 * 1024 };

/* What can be read now, as far as the terminal takes it at once. Returns how much came. */
static size_t show_ready(struct pty *pty)
{
	size_t sum = 0;

	while (pty->tty >= 0 && sum < READY_MAX) {
		flush(pty->tty, &pty->out);
		if (pty->out.len)
			break;
		fill(pty->master, &pty->out);
		sum += pty->out.len;
		if (!pty->out.len)
			break;
	}
	return sum;
}

/* As the terminal would have done it: the whole job, while it has the terminal. A group that nobody
 * waits for (an orphaned one) is not stopped by the kernel, and we go on at once. */
static void stop_self(int sig, bool whole_job)
{
	struct sigaction before, by_default = { .sa_handler = SIG_DFL };
	bool can_change = sigaction(sig, &by_default, &before) == 0;
	sigset_t set, mask;

	sigemptyset(&set);
	sigaddset(&set, sig);
	(void)kill(whole_job ? 0 : getpid(), sig);
	(void)sigprocmask(SIG_UNBLOCK, &set, &mask);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (can_change)
		(void)sigaction(sig, &before, NULL);
}

static void suspend(struct pty *pty, int sig)
{
	bool whole_job = sig == SIGTSTP && pty->tty >= 0 && is_foreground(pty);

	(void)show_ready(pty);
	give_back(pty);
	stop_self(sig, whole_job);
	take_terminal(pty);
}

bool pty_signal(struct pty *pty, int sig)
{
	if (sig != SIGWINCH && sig != SIGCONT && sig != SIGTSTP)
		return false;
	if (sig == SIGTSTP && pty->reports && pty->payload_fd >= 0)
		signal_group(pty, SIGTSTP); /* we follow when it has stopped */
	else if (sig == SIGTSTP)
		suspend(pty, SIGTSTP);
	if (sig == SIGCONT) {
		/* after a SIGSTOP, whose modes these are is not known */
		pty->modes->raw = false;
		take_terminal(pty);
		pay_cont(pty);
	}
	copy_size(pty);
	return true;
}

void pty_pass_on(struct pty *pty, int sig)
{
	signal_group(pty, sig);
}

void pty_stopped(struct pty *pty, int sig)
{
	bool asks = sig == SIGTTIN || sig == SIGTTOU;

	if (asks && pty->shows) {
		/* pid 1 has made it the foreground of its terminal */
		pty->wants = pty->tty >= 0;
		pty->owes_cont = true;
		take_terminal(pty);
		if (pty->wants && !pty->modes->raw)
			suspend(pty, sig);
		pay_cont(pty);
		return;
	}
	suspend(pty, asks || sig == SIGTSTP ? sig : SIGSTOP);
	signal_group(pty, SIGCONT);
}

static bool wait_for_room(const struct pty *pty, int signal_fd)
{
	struct pollfd fds[] = { { .fd = pty->tty, .events = POLLOUT },
		                { .fd = signal_fd, .events = POLLIN } };

	if (poll(fds, 2, -1) < 0)
		return errno == EINTR;
	return !fds[1].revents && !(fds[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

void pty_end(struct pty *pty, int signal_fd, bool waits)
{
	size_t sum = 0;

	while (pty->tty >= 0 && sum < READY_MAX) {
		sum += show_ready(pty);
		if (!pty->out.len || !waits || !wait_for_room(pty, signal_fd))
			break;
	}
	if (pty->tty >= 0)
		give_back(pty);
}
