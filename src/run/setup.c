/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The set-up: the first process in the new namespaces. It reads as the list of what is done; each
 * step has a file of its own. What fails is told to the monitor, and nothing of the payload's runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/host.h"
#include "core/plan.h"
#include "run/caps.h"
#include "run/fds.h"
#include "run/fs-op.h"
#include "run/label.h"
#include "run/landlock.h"
#include "run/limits-enter.h"
#include "run/lock-mounts.h"
#include "run/lookup.h"
#include "run/namespace.h"
#include "run/net.h"
#include "run/netns.h"
#include "run/pty.h"
#include "run/root.h"
#include "run/run.h"
#include "run/sync.h"
#include "run/userns.h"

/* The signal comes only for a death from here on; one before is seen on the channel. */
static int die_with_monitor(const struct run *run, struct err *err)
{
	struct pollfd monitor = { .fd = run->sync };

	if (!run->plan->process.dies_with_us)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_step(err, STEP_PRCTL, errno, "PR_SET_PDEATHSIG", NULL);
	while (poll(&monitor, 1, 0) < 0)
		if (errno != EINTR)
			return err_step(err, STEP_SYNC, errno, NULL, NULL);
	if (monitor.revents & (POLLHUP | POLLERR))
		_exit(125);
	return 0;
}

static int wait_for_go(const struct run *run, struct err *err)
{
	struct sync_message message;
	int r;

	if (!run->wait_for_go)
		return 0;
	r = sync_receive(run->sync, false, &message);
	if (r == 0)
		_exit(125); /* the monitor gave up, and has said why */
	if (r < 0 || message.kind != SYNC_GO)
		return err_step(err, STEP_SYNC, r < 0 ? -r : EBADMSG, NULL, NULL);
	return 0;
}

static int begin(struct run *run, struct err *err)
{
	int r = die_with_monitor(run, err);

	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_step(err, STEP_NO_NEW_PRIVS, errno, NULL, NULL);
	run->proc_fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (run->proc_fd < 0)
		return err_step(err, STEP_SOURCE, errno, "/proc", NULL);
	r = pty_adopt(run, err);
	return r == 0 ? wait_for_go(run, err) : r;
}

/* Ids, network and clocks, before there is a root of our own. */
static int enter_namespaces(struct run *run, struct err *err)
{
	int r = userns_map_first(run, err);

	if (r == 0)
		r = userns_switch_ids(run, err);
	/* the kernel forgets the signal when the ids change (prctl(2)) */
	if (r == 0 && run->plan->ns.userns_fd >= 0)
		r = die_with_monitor(run, err);
	if (r == 0 && run->plan->ns.userns_fd >= 0)
		r = caps_regain(err);
	if (r == 0)
		r = netns_begin(run, err);
	if (r == 0 && run->net_is_own)
		r = net_attach(run, err);
	if (r == 0)
		r = namespace_time(run, err);
	if (r == 0)
		r = userns_limit(run, err);
	return r;
}

static int build_root(const struct run *run, struct err *err)
{
	struct root root = { .fd = -1, .old_fd = -1, .base_fd = -1, .parent = { .fd = -1 } };
	struct fs_ctx ctx = { .plan = run->plan, .root = &root };
	int r = fs_open_sources(&ctx, err);

	if (r == 0)
		r = root_begin(&root, run->plan, err);
	if (r == 0)
		r = label_files(run, err);
	if (r == 0)
		r = fs_apply_all(&ctx, err);
	if (r == 0)
		r = netns_take_early(run, err);
	if (r == 0)
		r = root_pivot(&root, err);
	fs_close_sources(&ctx);
	root_close(&root);
	return r;
}

static int drop_privileges(const struct run *run, struct err *err)
{
	int r = userns_enter_second(run, err);

	if (r == 0)
		r = lock_mounts(run, err);
	if (r == 0)
		r = userns_check_disabled(run, err);
	if (r == 0)
		r = caps_drop(run->plan, err);
	if (r == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		r = err_step(err, STEP_PRCTL, errno, "PR_SET_DUMPABLE", NULL);
	return r;
}

/* One byte or the end of the file releases. */
static int wait_for_block_fd(const struct run *run, struct err *err)
{
	int fd = run->plan->process.block_fd;
	char byte;
	ssize_t n;

	if (fd < 0)
		return 0;
	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_fd(err, STEP_BLOCK_FD, errno, fd);
	close(fd);
	return 0;
}

static const char *home_of(char *const *env)
{
	for (; *env; env++)
		if (strncmp(*env, "HOME=", 5) == 0)
			return *env + 5;
	return NULL;
}

/* A directory that the sandbox does not have, or that the payload may not enter. */
static bool is_elsewhere(int num)
{
	return num == ENOENT || num == ENOTDIR || num == EACCES || num == ELOOP;
}

/* A link inside may lead through /proc/self/fd to a directory that somebody holds open outside of
 * the new root (as CVE-2024-21626): it has no path then, or one that does not begin at the root.
 * Returns 0 or an errno. */
static int go_to(const char *dir)
{
	char path[PATH_MAX];

	if (chdir(dir) < 0)
		return errno;
	if (getcwd(path, sizeof(path)))
		return path[0] == '/' ? 0 : ELOOP;
	return errno == ENOENT ? ELOOP : errno;
}

/* Goes to the directory asked for, or else to the first that is there. */
static int change_directory(const struct run *run, const char **ret, struct err *err)
{
	const char *candidates[] = { run->host->cwd, home_of(run->env), "/" };
	const char *dir = run->plan->process.chdir;
	size_t i = 0;
	int num = 0;

	while (!dir || (num = go_to(dir)) != 0) {
		bool given_up = run->plan->process.chdir || i == ARRAY_LEN(candidates);

		if (dir && (given_up || !is_elsewhere(num)))
			return err_step(err, STEP_CHDIR, num, dir, NULL);
		dir = candidates[i++];
	}
	*ret = dir;
	return 0;
}

/* Where the payload starts, and PWD to go with it. */
static int enter_directory(const struct run *run, struct err *err)
{
	char **env = run->env;
	const char *dir = NULL;
	char *pwd;
	int r = change_directory(run, &dir, err);

	if (r < 0)
		return r;
	if (asprintf(&pwd, "PWD=%s", dir) < 0)
		return err_text(err, ENOMEM, "set PWD");
	while (*env && strncmp(*env, "PWD=", 4) != 0)
		env++;
	if (!*env)
		env[1] = NULL;
	*env = pwd;
	return 0;
}

/* Close-on-exec is too late: the command itself, or its interpreter, may be a link to something
 * below a descriptor of ours, and what is executed can be opened again (as CVE-2019-5736). As
 * bwrap, the caller's descriptors are the payload's anyway. */
static int let_go(struct run *run, struct err *err)
{
	const struct plan *plan = run->plan;
	size_t n = 0;
	cleanup_free int *keep = NULL;
	int r;

	close(steal_fd(&run->proc_fd));
	if (plan->personality != PERSONALITY_NATIVE)
		return 0;
	keep = calloc(plan->keep_fds.len + 6, sizeof(*keep));
	if (!keep)
		return err_step(err, STEP_FDS, ENOMEM, NULL, NULL);
	for (; n < plan->keep_fds.len; n++)
		keep[n] = VEC_AT(&plan->keep_fds, int, n);
	keep[n++] = run->sync;
	keep[n++] = run->cgroup_procs_fd;
	keep[n++] = run->cgroup_fd;
	keep[n++] = run->landlock_fd;
	keep[n++] = plan->process.sync_fd;
	keep[n++] = run->pty ? run->pty->slave : -1;
	r = fds_close_others(keep, n);
	return r < 0 ? err_step(err, STEP_FDS, -r, NULL, NULL) : 0;
}

static int prepare_payload(struct run *run, struct err *err)
{
	int r = net_wait_ready(run, err);

	if (r == 0)
		r = wait_for_block_fd(run, err);
	if (r == 0)
		r = seccomp_read_last(run->plan, &run->seccomp, err);
	if (r == 0)
		r = landlock_prepare(run->plan, &run->landlock_fd, err);
	if (r == 0)
		r = pty_lead_session(run, err);
	if (r == 0)
		r = label_exec(run, err);
	if (r == 0)
		r = let_go(run, err);
	if (r == 0)
		r = enter_directory(run, err);
	umask(run->caller_umask);
	return r;
}

void setup_main(struct run *run, struct err *err)
{
	int r = begin(run, err);

	run->caller_umask = umask(0);
	if (r == 0)
		r = enter_namespaces(run, err);
	if (r == 0)
		r = build_root(run, err);
	if (r == 0)
		r = netns_take(run, err);
	if (r == 0)
		r = limits_enter_wait(run, err);
	if (r == 0)
		r = drop_privileges(run, err);
	if (r == 0)
		r = prepare_payload(run, err);
	if (r == 0 && run->plan->process.has_init)
		r = init_start(run, err);
	if (r < 0)
		run_fail(run, err);
	payload_exec(run);
}
