/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/host.h"
#include "core/plan.h"
#include "run/run.h"

/* These files take their content in one write. */
static int write_proc(const struct run *run, const char *name, const char *text)
{
	cleanup_fd int fd = openat(run->proc_fd, name, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int write_maps(const struct run *run, const unsigned int uid[2], const unsigned int gid[2],
                      struct err *err)
{
	char line[64];
	int r;

	/* first, as in bwrap: where a security module takes the rights in a new namespace away,
	 * callers match the message of this one */
	snprintf(line, sizeof(line), "%u %u 1\n", uid[0], uid[1]);
	r = write_proc(run, "self/uid_map", line);
	if (r < 0)
		return err_step(err, STEP_UID_MAP, -r, NULL, NULL);
	/* a group map may be written by its owner only where setgroups is denied (Linux 3.19); a
	 * kernel without the file needs no denial */
	r = write_proc(run, "self/setgroups", "deny\n");
	if (r < 0 && r != -ENOENT)
		return err_step(err, STEP_SETGROUPS, -r, NULL, NULL);
	snprintf(line, sizeof(line), "%u %u 1\n", gid[0], gid[1]);
	r = write_proc(run, "self/gid_map", line);
	return r < 0 ? err_step(err, STEP_GID_MAP, -r, NULL, NULL) : 0;
}

int userns_map_first(const struct run *run, struct err *err)
{
	const struct plan_ids *ids = &run->plan->ids;

	if (!run->plan->ns.new_user || run->plan->process.userns_block_fd >= 0)
		return 0;
	return write_maps(run, (const unsigned int[]){ ids->outer_uid, run->host->uid },
	                  (const unsigned int[]){ ids->outer_gid, run->host->gid }, err);
}

int userns_switch_ids(const struct run *run, struct err *err)
{
	const struct plan_ids *ids = &run->plan->ids;
	char number[16];

	if (run->plan->ns.userns_fd < 0)
		return 0;
	/* the group first, while the user id still allows it; the capabilities stay for the set-up
	 */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_step(err, STEP_PRCTL, errno, "PR_SET_KEEPCAPS", NULL);
	if (ids->gid_given && getgid() != ids->gid && setgid(ids->gid) < 0) {
		snprintf(number, sizeof(number), "%u", ids->gid);
		return err_step(err, STEP_SETGID, errno, number, NULL);
	}
	if (ids->uid_given && getuid() != ids->uid && setuid(ids->uid) < 0) {
		snprintf(number, sizeof(number), "%u", ids->uid);
		return err_step(err, STEP_SETUID, errno, number, NULL);
	}
	return 0;
}

int userns_limit(const struct run *run, struct err *err)
{
	int r = 0;

	if (run->plan->ns.disable_userns)
		r = write_proc(run, "sys/user/max_user_namespaces", "1\n");
	return r < 0 ? err_step(err, STEP_USERNS_LIMIT, -r, NULL, NULL) : 0;
}

int userns_enter_second(const struct run *run, struct err *err)
{
	const struct plan_ids *ids = &run->plan->ids;

	if (run->plan->ns.userns2_fd >= 0 && setns(run->plan->ns.userns2_fd, CLONE_NEWUSER) < 0)
		return err_step(err, STEP_SETNS_LATER, errno, "userns2", NULL);
	if (!run->plan->ns.second_user)
		return 0;
	if (unshare(CLONE_NEWUSER) < 0)
		return err_step(err, STEP_UNSHARE, errno, "user", NULL);
	return write_maps(run, (const unsigned int[]){ ids->inner_uid, ids->outer_uid },
	                  (const unsigned int[]){ ids->inner_gid, ids->outer_gid }, err);
}

/* Only a refusal is an answer: a kernel that is out of memory today makes one tomorrow. */
int userns_check_disabled(const struct run *run, struct err *err)
{
	if (!run->plan->ns.disable_userns && !run->plan->ns.assert_userns_disabled)
		return 0;
	if (unshare(CLONE_NEWUSER) == 0)
		return err_step(err, STEP_USERNS_CHECK, 0, NULL, NULL);
	if (errno == ENOMEM || errno == EINTR || errno == EAGAIN || errno == EIO)
		return err_step(err, STEP_USERNS_CHECK, errno, NULL, NULL);
	return 0;
}
