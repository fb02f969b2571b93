/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* statx(2) by hand and without sys/stat.h: musl before 1.2.4 has neither the call nor the
 * structure, and where libc has them its structure and the kernel's clash. */
#include "run/place.h"

#include <errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/fds.h"

/* Linux 5.8 has it in statx(2). */
static uint64_t find_mount(int fd)
{
	long id = fds_info(fd, "mnt_id:");

	return id > 0 ? (uint64_t)id : 0;
}

static int find_old(int fd, struct place *ret)
{
	int r = place_stat(fd, ret);

	ret->mnt_id = find_mount(fd);
	return r;
}

int place_find(int fd, struct place *ret)
{
	struct statx at;

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_MNT_ID, &at) <
	    0)
		return errno == ENOSYS || errno == EPERM ? find_old(fd, ret) : -errno;
	*ret = (struct place){
		.ino = at.stx_ino,
		.mnt_id = at.stx_mask & STATX_MNT_ID ? at.stx_mnt_id : find_mount(fd),
		.dev_major = at.stx_dev_major,
		.dev_minor = at.stx_dev_minor,
		.mode = at.stx_mode,
	};
	return 0;
}

bool place_is_same(const struct place *a, const struct place *b)
{
	if (a->ino != b->ino || a->dev_major != b->dev_major || a->dev_minor != b->dev_minor)
		return false;
	return !a->mnt_id || !b->mnt_id || a->mnt_id == b->mnt_id;
}
