/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/limits-hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/bus-address.h"
#include "core/cleanup.h"
#include "core/errno-text.h"
#include "core/limits.h"
#include "core/plan.h"
#include "run/fds.h"
#include "run/limits-unit.h"
#include "run/message.h"
#include "run/report-end.h"
#include "run/sync.h"

enum { CONTROLLERS_MAX = 8, ANSWER_MAX = 8192, EMPTY_MS = 10000 };

void limits_hold_init(struct limits_hold *hold, const struct plan *plan)
{
	*hold = (struct limits_hold){
		.plan = plan,
		.files = VEC_INIT(struct limit_file),
		.pids = VEC_INIT(pid_t),
		.scope_sock = -1,
		.cleaner = { .sock = -1 },
		.cgroup = CGROUP_NONE_OPEN,
	};
	hold->cgroup.delegate = plan->limits.delegate;
	hold->cgroup.measured = plan->limits.measured;
}

/* The helper gets its end of the socket as descriptor 3, the connection as 4, and nothing else
 * beyond 2. A vfork: it shares our memory until it executes, and changes none of it that matters.
 */
static int start_scope(struct limits_hold *hold, char **argv, const int fds[2], struct err *err)
{
	hold->scope_pid = vfork();
	if (hold->scope_pid == 0) {
		int keep[] = { 3, 4 };
		int manager = fds[1] >= 0 ? fcntl(fds[1], F_DUPFD_CLOEXEC, 5) : -1;
		sigset_t none;

		sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		if (dup2(fds[0], 3) == 3 && fcntl(3, F_SETFD, 0) == 0 &&
		    (manager < 0 || dup2(manager, 4) == 4) &&
		    fds_close_others(keep, manager < 0 ? 1 : 2) == 0)
			execv(argv[0], argv);
		_exit(127);
	}
	if (hold->scope_pid < 0)
		return err_step(err, STEP_FORK, errno, argv[0], NULL);
	return 0;
}

/* systemd takes a while to get ready for somebody who has connected: it begins with that while the
 * helper is still being started. -1: the helper is to see for itself what is the matter. */
static int connect_early(void)
{
	struct bus_addresses addresses;
	struct sockaddr_un to;
	const char *rest;
	socklen_t len;
	cleanup_fd int fd = -1;

	bus_addresses_find(&addresses, getenv("DBUS_SESSION_BUS_ADDRESS"),
	                   getenv("XDG_RUNTIME_DIR"), getuid());
	len = bus_address_parse(addresses.is_direct_first ? addresses.direct : addresses.bus, &to,
	                        &rest);
	if (len > 0)
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, len) < 0)
		return -1;
	return steal_fd(&fd);
}

static int ask_systemd(struct limits_hold *hold, struct err *err)
{
	int pair[2];
	cleanup_fd int manager = connect_early();
	char **argv = unit_command(hold->plan, hold->unit, manager >= 0);
	int r;

	if (!argv)
		return err_text(err, ENOMEM, "ask for a scope");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		unit_command_free(argv);
		return err_step(err, STEP_SYNC, errno, NULL, NULL);
	}
	hold->scope_sock = pair[0];
	r = start_scope(hold, argv, (int[]){ pair[1], manager }, err);
	close(pair[1]);
	unit_command_free(argv);
	return r;
}

int limits_hold_prepare(struct limits_hold *hold, struct err *err)
{
	const struct limits *limits = &hold->plan->limits;

	if (!hold->plan->uses_cgroup)
		return 0;
	if (limits_files(limits, &hold->files) < 0 ||
	    asprintf(&hold->unit, "sbx-%s.scope", limits->name) < 0)
		return err_text(err, ENOMEM, "prepare the limits");
	return limits->choice == CGROUP_CGROUPFS ? 0 : ask_systemd(hold, err);
}

void limits_hold_forget(struct limits_hold *hold)
{
	if (hold->scope_sock >= 0)
		close(steal_fd(&hold->scope_sock));
}

/* A pid namespace ends with its first process, and that one with the monitor; then systemd removes
 * the scope. Where that is all, and no figure is to be read afterwards, the cleaner would have
 * nothing to do, and moving it costs as much again as moving the sandbox. */
static bool ends_by_itself(const struct plan *plan, pid_t net)
{
	return plan->ns.pid && plan->ns.pidns_fd < 0 && plan->process.has_init &&
	       plan->process.dies_with_us && net <= 0 && !report_end_is_wanted(plan);
}

int limits_hold_begin(struct limits_hold *hold, pid_t child, pid_t net, struct err *err)
{
	int r = 0;

	if (!hold->plan->uses_cgroup)
		return 0;
	if (!ends_by_itself(hold->plan, net))
		r = cleaner_start(&hold->cleaner, err);
	if (r < 0)
		return r;
	if (vec_add(&hold->pids, &child) < 0 || (net > 0 && vec_add(&hold->pids, &net) < 0) ||
	    (hold->cleaner.pid > 0 && vec_add(&hold->pids, &hold->cleaner.pid) < 0))
		return err_text(err, ENOMEM, "prepare the limits");
	/* a helper that is no more is seen when its answer is waited for */
	if (hold->scope_sock >= 0 &&
	    send(hold->scope_sock, hold->pids.items, hold->pids.len * sizeof(pid_t), MSG_NOSIGNAL) <
	            0 &&
	    errno != EPIPE && errno != ECONNRESET)
		return err_step(err, STEP_SYNC, errno, NULL, NULL);
	/* while systemd works */
	return cgroup_look(&hold->cgroup, err);
}

/* Returns the length of the answer, 0 when there is none, -ECANCELED when the set-up is dead. */
static ssize_t wait_for_answer(const struct limits_hold *hold, int child_fd, char *buf)
{
	struct pollfd fds[] = { { .fd = hold->scope_sock, .events = POLLIN },
		                { .fd = child_fd, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents)
			break;
		if (fds[1].revents)
			return -ECANCELED;
	}
	return sync_receive_text(hold->scope_sock, buf, ANSWER_MAX);
}

static int reap_scope(struct limits_hold *hold)
{
	int status = 0;

	if (hold->scope_sock >= 0)
		close(steal_fd(&hold->scope_sock));
	if (hold->scope_pid <= 0)
		return 0;
	while (waitpid(hold->scope_pid, &status, 0) < 0 && errno == EINTR)
		;
	hold->scope_pid = 0;
	return status;
}

static int scope_died(int status, struct err *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_text(
			err, 0,
			"ask the user's systemd for a scope: the helper sbx-scope can't be executed");
	if (WIFSIGNALED(status))
		return err_text(
			err, 0,
			"ask the user's systemd for a scope: the helper sbx-scope was killed by signal %d",
			WTERMSIG(status));
	return err_text(err, 0,
	                "ask the user's systemd for a scope: the helper sbx-scope gave no answer");
}

/* Returns 0 with the scope open; -ENOENT with err set when there is no systemd to ask. */
static int take_scope(struct limits_hold *hold, int child_fd, struct err *err)
{
	char buf[ANSWER_MAX];
	ssize_t n;

	buf[0] = '\0';
	n = wait_for_answer(hold, child_fd, buf);
	if (n == -ECANCELED)
		return -ECANCELED;
	if (n <= 1)
		return scope_died(reap_scope(hold), err);
	/* the helper is on its way out: that is not waited for before the end */
	close(steal_fd(&hold->scope_sock));
	if (buf[0] == 'O') {
		hold->backend = "systemd";
		return cgroup_open_scope(&hold->cgroup, VEC_AT(&hold->pids, pid_t, 0), hold->unit,
		                         err);
	}
	err_text(err, 0, "%s", buf + 1);
	return buf[0] == 'N' ? -ENOENT : -EIO;
}

static void list_controllers(const struct limits_hold *hold, const char *list[CONTROLLERS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < hold->files.len; i++) {
		const char *name = VEC_AT(&hold->files, struct limit_file, i).controller;
		size_t k = 0;

		while (k < n && strcmp(list[k], name) != 0)
			k++;
		if (k == n && n + 1 < CONTROLLERS_MAX)
			list[n++] = name;
	}
	list[n] = NULL;
}

static int make_directory(struct limits_hold *hold, struct err *err)
{
	const char *controllers[CONTROLLERS_MAX];
	char name[256];
	cleanup_fd int parent_fd = -1;
	int r = hold->cleaner.pid > 0 ? 0 : cleaner_start(&hold->cleaner, err);

	if (r < 0)
		return r;
	list_controllers(hold, controllers);
	snprintf(name, sizeof(name), "sbx-%s", hold->plan->limits.name);
	hold->backend = "cgroupfs";
	parent_fd = cgroup_find_place(&hold->cgroup, name, controllers, err);
	r = parent_fd < 0 ? parent_fd
	                  : cleaner_expect(&hold->cleaner, &hold->cgroup, parent_fd, err);
	if (r < 0)
		return r;
	r = cgroup_make_base(&hold->cgroup, parent_fd, err);
	if (r < 0)
		cleaner_dismiss(&hold->cleaner);
	return r;
}

static int get_cgroup(struct limits_hold *hold, int child_fd, struct err *err)
{
	const struct limits *limits = &hold->plan->limits;
	char first[1024];
	char second[1024];
	int r = limits->choice == CGROUP_CGROUPFS ? -ENOENT : take_scope(hold, child_fd, err);

	if (r != -ENOENT || limits->choice == CGROUP_SYSTEMD)
		return r;
	if (limits->choice == CGROUP_CGROUPFS)
		return make_directory(hold, err);
	snprintf(first, sizeof(first), "%.1000s", err->subject);
	if (limits->slice)
		return err_text(err, 0, "--slice needs the user's systemd: %s", first);
	r = make_directory(hold, err);
	if (r < 0) {
		snprintf(second, sizeof(second), "%.1000s", err->subject);
		return err_text(
			err, 0,
			"nothing can hold the limits: %s; %s; a user manager (loginctl enable-linger, or a login session) or a delegated cgroup is needed",
			first, second);
	}
	return r;
}

/* The set-up writes itself into the leaves with our permissions, which are those of who has opened
 * the files (Linux 5.16). */
static int tell_setup(struct limits_hold *hold, int sock, struct err *err)
{
	int dir = hold->cgroup.inner_fd >= 0 ? hold->cgroup.inner_fd : hold->cgroup.payload_fd;
	cleanup_fd int payload = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	cleanup_fd int helpers =
		openat(hold->cgroup.helpers_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	const int fds[SYNC_FDS] = { payload, helpers, dir };
	int r;

	if (payload < 0 || helpers < 0)
		return err_text(err, errno, "open cgroup.procs below %s", hold->cgroup.path);
	r = sync_send_cgroup(sock, fds);
	/* a set-up that died is seen by the monitor */
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return err_step(err, STEP_SYNC, -r, NULL, NULL);
	/* nor does the monitor need these two any more */
	close(steal_fd(&hold->cgroup.helpers_fd));
	if (hold->cgroup.inner_fd >= 0)
		close(steal_fd(&hold->cgroup.inner_fd));
	return 0;
}

/* In a cgroup that we made the cleaner must not be: it has to remove it. */
static void keep_cleaner_out(struct limits_hold *hold)
{
	if (hold->cgroup.ours && hold->cleaner.pid > 0 && hold->pids.len > 0 &&
	    VEC_AT(&hold->pids, pid_t, hold->pids.len - 1) == hold->cleaner.pid)
		hold->pids.len--;
}

int limits_hold_finish(struct limits_hold *hold, int sock, int child_fd, struct err *err)
{
	int r;

	if (!hold->plan->uses_cgroup)
		return 0;
	r = get_cgroup(hold, child_fd, err);
	if (r == -ECANCELED)
		return 0;
	if (r == 0 && hold->cleaner.pid > 0)
		r = cleaner_charge(&hold->cleaner, &hold->cgroup, err);
	keep_cleaner_out(hold);
	if (r == 0)
		r = cgroup_make_leaves(&hold->cgroup, &hold->files, &hold->pids, err);
	if (r == 0)
		r = cgroup_limit(&hold->cgroup, &hold->files, err);
	if (r == 0)
		r = cgroup_make_inner(&hold->cgroup, err);
	return r == 0 ? tell_setup(hold, sock, err) : r;
}

void limits_hold_kill(const struct limits_hold *hold)
{
	if (hold->cgroup.payload_fd < 0)
		return;
	if (cgroup_wait_empty(hold->cgroup.payload_fd, 0) != -ETIME)
		return;
	(void)cgroup_kill(hold->cgroup.payload_fd);
	(void)cgroup_wait_empty(hold->cgroup.payload_fd, EMPTY_MS);
}

/* What the cleaner has not done. */
static void clean_up_after(const struct limits_hold *hold)
{
	char text[512];
	int r = cgroup_destroy(&hold->cgroup);

	if (r == 0)
		return;
	snprintf(text, sizeof(text), "the cgroup %.400s could not be removed: %s",
	         hold->cgroup.path, errno_text(-r));
	message_warning(hold->plan, text);
}

void limits_hold_sweep(const struct limits_hold *hold)
{
	if (hold->cleaner.pid > 0)
		limits_hold_kill(hold);
}

void limits_hold_end(struct limits_hold *hold)
{
	bool charged = hold->cleaner.pid > 0 && hold->cgroup.base_fd >= 0;

	(void)reap_scope(hold);
	if (!cleaner_finish(&hold->cleaner) && charged)
		clean_up_after(hold);
	cgroup_close(&hold->cgroup);
	limit_files_free(&hold->files);
	vec_free(&hold->pids);
	free(steal_ptr(&hold->unit));
}
