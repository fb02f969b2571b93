/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of its own, because of what place.c can't include. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "run/place.h"

int place_stat(int fd, struct place *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (struct place){
		.ino = st.st_ino,
		.dev_major = major(st.st_dev),
		.dev_minor = minor(st.st_dev),
		.mode = st.st_mode,
	};
	return 0;
}
