/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/plan.h"

/* CAP_CHECKPOINT_RESTORE, Linux 5.9: every kernel that we run on knows these. EINVAL for a higher
 * one means that there are no more of them. */
enum { CAPS_OLDEST_KERNEL = 40 };

/* The sets as two words each, which is what the kernel takes; libcap's objects would be allocated.
 */
struct caps {
	uint64_t effective, permitted, inheritable;
};

static int caps_get(struct caps *ret)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	ret->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	ret->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	ret->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

static int caps_set(const struct caps *caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (unsigned int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(caps->effective >> (32 * i));
		data[i].permitted = (uint32_t)(caps->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(caps->inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int caps_check_caller(struct err *err)
{
	struct caps caps = { 0 };
	int r;

	if (geteuid() != getuid() || getegid() != getgid())
		return err_text(err, 0, "refusing to run as a setuid or setgid program");
	if (getuid() == 0)
		return 0;
	r = caps_get(&caps);
	if (r < 0)
		return err_step(err, STEP_CAPS, -r, NULL, NULL);
	if (caps.permitted)
		return err_step(err, STEP_CAPS_UNEXPECTED, 0, NULL, NULL);
	return 0;
}

int caps_of_root(uint64_t *ret)
{
	struct caps caps = { 0 };
	int r = getuid() == 0 ? caps_get(&caps) : 0;

	*ret = caps.effective;
	return r;
}

int caps_regain(struct err *err)
{
	struct caps caps = { 0 };
	int r = caps_get(&caps);

	caps.effective = caps.permitted;
	if (r == 0)
		r = caps_set(&caps);
	return r < 0 ? err_step(err, STEP_CAPS, -r, NULL, NULL) : 0;
}

int caps_give_up(struct err *err)
{
	const struct caps none = { 0 };
	int r = caps_set(&none);

	return r < 0 ? err_step(err, STEP_CAPS, -r, NULL, NULL) : 0;
}

/* Applies the changes in order to *caps. Returns those that were asked for by name. */
static uint64_t change_caps(const struct plan *plan, uint64_t *caps)
{
	uint64_t named = 0;

	for (size_t i = 0; i < plan->caps.len; i++) {
		const struct cap_change *change = &VEC_AT(&plan->caps, struct cap_change, i);
		uint64_t bits =
			change->cap == CAP_EVERY ? ~(uint64_t)0 : (uint64_t)1 << change->cap;

		*caps = change->kind == CAP_CHANGE_ADD ? *caps | bits : *caps & ~bits;
		if (change->cap != CAP_EVERY)
			named |= bits;
	}
	return named & *caps;
}

uint64_t caps_planned(const struct plan *plan)
{
	uint64_t caps = plan->caps_start;

	(void)change_caps(plan, &caps);
	return caps;
}

static int drop_bounding(uint64_t keep, struct err *err)
{
	char number[16];

	for (int cap = 0; cap < 64; cap++) {
		if (keep & (uint64_t)1 << cap)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL && cap > CAPS_OLDEST_KERNEL)
			return 0;
		snprintf(number, sizeof(number), "%d", cap);
		return err_step(err, STEP_CAPS_BOUND, errno, number, NULL);
	}
	return 0;
}

/* tolerated: an error that is none, besides that of a capability that there is not */
static int raise_ambient(uint64_t caps, int tolerated, struct err *err)
{
	char number[16];

	for (int cap = 0; cap < 64; cap++) {
		if (!(caps & (uint64_t)1 << cap))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == 0 ||
		    errno == tolerated)
			continue;
		if (errno == EINVAL && cap > CAPS_OLDEST_KERNEL)
			return 0;
		snprintf(number, sizeof(number), "%d", cap);
		return err_step(err, STEP_CAPS_AMBIENT, errno, number, NULL);
	}
	return 0;
}

int caps_drop(const struct plan *plan, struct err *err)
{
	bool own_ns = plan->ns.new_user || plan->ns.userns_fd >= 0 || plan->ns.userns2_fd >= 0;
	struct caps now = { 0 };
	struct caps then;
	uint64_t want;
	uint64_t named;
	int r = caps_get(&now);

	if (r < 0)
		return err_step(err, STEP_CAPS, -r, NULL, NULL);
	/* as bwrap: root hands on what it can, which is what it may inherit */
	if (!own_ns && !plan->caps.len)
		return raise_ambient(plan->caps_start ? ~(uint64_t)0 : 0, EPERM, err);
	want = plan->caps_start;
	named = change_caps(plan, &want);
	/* ALL is all that there is, but what was asked for by name must be there */
	if (named & ~now.permitted)
		return err_step(err, STEP_CAPS, EPERM, NULL, NULL);
	r = drop_bounding(want, err);
	if (r < 0)
		return r;
	/* root gets these when it executes the payload; another user that was asked for does not,
	 * which is what bwrap's callers see */
	if (!plan->caps.len && plan->caps_start)
		return 0;
	want &= now.permitted;
	then = (struct caps){ want, want, want };
	r = caps_set(&then);
	if (r < 0)
		return err_step(err, STEP_CAPS, -r, NULL, NULL);
	return want ? raise_ambient(want, 0, err) : 0;
}
