/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan-landlock.h"
#include "core/plan.h"
#include "run/message.h"

/* linux/landlock.h of the kernels since 5.13; distributions have older ones. */
enum {
	RIGHT_EXECUTE = 1 << 0,
	RIGHT_WRITE_FILE = 1 << 1,
	RIGHT_READ_FILE = 1 << 2,
	RIGHT_READ_DIR = 1 << 3,
	RIGHTS_ABI_1 = (1 << 13) - 1,
	RIGHT_REFER = 1 << 13,     /* ABI 2 */
	RIGHT_TRUNCATE = 1 << 14,  /* ABI 3 */
	RIGHT_IOCTL_DEV = 1 << 15, /* ABI 5 */
	RIGHTS_READ = RIGHT_EXECUTE | RIGHT_READ_FILE | RIGHT_READ_DIR,
	RIGHTS_OF_FILES = RIGHT_EXECUTE | RIGHT_WRITE_FILE | RIGHT_READ_FILE | RIGHT_TRUNCATE |
	                  RIGHT_IOCTL_DEV,
	SCOPE_ABSTRACT = 1 << 0, /* ABI 6 */
	SCOPE_SIGNAL = 1 << 1,
	ABI_FULL = 6,
	CREATE_VERSION = 1 << 0,
	RULE_PATH_BENEATH = 1,
};

struct ruleset_attr {
	uint64_t fs;
	uint64_t net;    /* ABI 4 */
	uint64_t scoped; /* ABI 6 */
};

struct path_attr {
	uint64_t rights;
	int32_t fd;
} __attribute__((packed));

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return abi < 0 ? -errno : (int)abi;
}

const char *landlock_lacks(int abi)
{
	if (abi < 3)
		return "truncating files, ioctls on devices, signals, abstract sockets";
	if (abi < 5)
		return "ioctls on devices, signals, abstract sockets";
	return abi < ABI_FULL ? "signals, abstract sockets" : NULL;
}

static void warn_uncovered(const struct plan *plan)
{
	char text[512];
	size_t i = 0;
	int tree = plan_landlock_uncovered(plan, &i);

	if (tree < 0)
		return;
	snprintf(
		text, sizeof(text),
		"--landlock: '%.200s' lies in the writable '%.200s', so that only its mount is read-only",
		plan_op(plan, i)->dst, plan_op(plan, (size_t)tree)->dst);
	message_warning(plan, text);
}

int landlock_check(const struct plan *plan, struct err *err)
{
	int abi = plan->landlock ? landlock_abi() : ABI_FULL;
	const char *lacks;
	char text[256];

	if (!plan->landlock)
		return 0;
	if (abi < 0)
		return err_text(err, -abi,
		                "--landlock: this kernel has none, or it is switched off");
	lacks = landlock_lacks(abi);
	if (lacks) {
		snprintf(text, sizeof(text),
		         "--landlock: this kernel's ABI is %d, which leaves out: %s", abi, lacks);
		message_warning(plan, text);
	}
	warn_uncovered(plan);
	return 0;
}

static uint64_t rights_of(int abi)
{
	uint64_t rights = RIGHTS_ABI_1;

	rights |= abi >= 2 ? RIGHT_REFER : 0;
	rights |= abi >= 3 ? RIGHT_TRUNCATE : 0;
	rights |= abi >= 5 ? RIGHT_IOCTL_DEV : 0;
	return rights;
}

/* An older kernel refuses members that it does not know. */
static int create(const struct plan *plan, int abi)
{
	struct ruleset_attr attr = { .fs = rights_of(abi) };
	size_t size = sizeof(attr.fs);

	if (abi >= ABI_FULL) {
		attr.scoped |= plan->ns.net ? SCOPE_ABSTRACT : 0;
		attr.scoped |= plan->ns.pid ? SCOPE_SIGNAL : 0;
		size = sizeof(attr);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

static int allow(int ruleset, const char *path, uint64_t rights)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct path_attr attr = { rights, fd };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		attr.rights &= RIGHTS_OF_FILES;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0) < 0 ? -errno
	                                                                                : 0;
}

static int allow_writing(const struct plan *plan, int ruleset, uint64_t rights, struct err *err)
{
	for (size_t i = 0; i < plan->ops.len; i++) {
		const struct op *op = plan_op(plan, i);
		int r;

		if (!plan_landlock_writable(plan, i))
			continue;
		r = allow(ruleset, op->dst, rights);
		if (r < 0 && !(r == -ENOENT && (op->flags & OP_TRY)))
			return err_step(err, STEP_LANDLOCK, -r, op->dst, NULL);
	}
	return 0;
}

int landlock_prepare(const struct plan *plan, int *ret_fd, struct err *err)
{
	cleanup_fd int ruleset = -1;
	int abi;
	int r;

	*ret_fd = -1;
	if (!plan->landlock)
		return 0;
	abi = landlock_abi();
	ruleset = abi < 0 ? -1 : create(plan, abi);
	if (ruleset < 0)
		return err_step(err, STEP_LANDLOCK, errno, NULL, NULL);
	r = allow(ruleset, "/", RIGHTS_READ);
	if (r < 0)
		return err_step(err, STEP_LANDLOCK, -r, "/", NULL);
	r = allow_writing(plan, ruleset, rights_of(abi), err);
	if (r == 0)
		*ret_fd = steal_fd(&ruleset);
	return r;
}

int landlock_restrict(int fd, struct err *err)
{
	if (fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_step(err, STEP_LANDLOCK, errno, NULL, NULL);
	return 0;
}
