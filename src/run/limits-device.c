/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/limits-device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/limits.h"
#include "run/cgroup-file.h"

/* A partition's directory in sysfs lies in its disk's. */
static int find_disk(struct io_limit *io, struct err *err)
{
	char path[96];
	char text[32];
	int r;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", io->dev[0], io->dev[1]);
	if (access(path, F_OK) < 0)
		return 0;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", io->dev[0], io->dev[1]);
	r = cgroup_read(AT_FDCWD, path, text, sizeof(text));
	if (r == 0)
		r = parse_device_number(text, strlen(text), io->dev);
	return r < 0 ? err_text(err, -r, "find the disk of '%s' in %s", io->device, path) : 0;
}

static int find_device(struct io_limit *io, struct err *err)
{
	struct stat st;
	dev_t dev;

	if (!io->known) {
		if (stat(io->device, &st) < 0)
			return err_text(err, errno, "find the device '%s'", io->device);
		dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
		if (S_ISCHR(st.st_mode) || major(dev) == 0)
			return err_text(
				err, 0,
				"find the device '%s': it is no block device and lies on none",
				io->device);
		io->dev[0] = major(dev);
		io->dev[1] = minor(dev);
		io->known = true;
	}
	return find_disk(io, err);
}

int limits_find_devices(struct limits *limits, struct err *err)
{
	struct io_limit *items = limits->io.items;
	int r = 0;

	for (size_t i = 0; r == 0 && i < limits->io.len; i++)
		r = find_device(&items[i], err);
	return r;
}
