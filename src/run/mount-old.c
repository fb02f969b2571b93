/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The same mounts with mount(2): bind first, then a remount of each mount in the tree to add the
 * flags. Which mounts lie below a source is read from mountinfo once, not once a bind.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/vec.h"
#include "run/mount.h"

struct mount_table {
	struct vec points; /* char *: mount points in mountinfo's order, parents first */
};

static unsigned long attrs_to_ms(uint64_t attrs)
{
	return ((attrs & MOUNT_ATTR_RDONLY) ? MS_RDONLY : 0) |
	       ((attrs & MOUNT_ATTR_NOSUID) ? MS_NOSUID : 0) |
	       ((attrs & MOUNT_ATTR_NODEV) ? MS_NODEV : 0) |
	       ((attrs & MOUNT_ATTR_NOEXEC) ? MS_NOEXEC : 0);
}

/* The flags that a mount has already: a user namespace may not take them away in a remount. */
static int current_ms(int fd, unsigned long *ret)
{
	static const struct {
		unsigned long st;
		unsigned long ms;
	} pairs[] = {
		{ ST_RDONLY, MS_RDONLY },     { ST_NOSUID, MS_NOSUID },
		{ ST_NODEV, MS_NODEV },       { ST_NOEXEC, MS_NOEXEC },
		{ ST_NOATIME, MS_NOATIME },   { ST_NODIRATIME, MS_NODIRATIME },
		{ ST_RELATIME, MS_RELATIME },
	};
	struct statvfs fs;
	unsigned long ms = 0;

	if (fstatvfs(fd, &fs) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (fs.f_flag & pairs[i].st)
			ms |= pairs[i].ms;
	*ret = ms;
	return 0;
}

int mount_old_restrict(int fd, uint64_t attrs)
{
	char path[FD_PATH_MAX];
	unsigned long ms = 0;
	int r = current_ms(fd, &ms);

	if (r < 0)
		return r;
	fd_path(fd, path);
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | ms | attrs_to_ms(attrs), NULL) < 0)
		return -errno;
	return 0;
}

/* mountinfo writes blanks and backslashes as \ooo (proc(5)). */
static void unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*out++ = (char)(((text[1] - '0') << 6) | ((text[2] - '0') << 3) |
			                (text[3] - '0'));
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

static int table_add(struct mount_table *table, const char *line)
{
	char *point = NULL;

	if (sscanf(line, "%*d %*d %*s %*s %ms", &point) != 1)
		return -EIO;
	unescape(point);
	if (vec_add(&table->points, &point) < 0) {
		free(point);
		return -ENOMEM;
	}
	return 0;
}

static int table_load(struct root *root)
{
	cleanup_free char *line = NULL;
	size_t size = 0;
	FILE *file;
	int r = 0;

	if (root->table)
		return 0;
	root->table = calloc(1, sizeof(*root->table));
	file = root->table ? fopen("/proc/self/mountinfo", "re") : NULL;
	if (!file)
		return root->table ? -errno : -ENOMEM;
	root->table->points = VEC_INIT(char *);
	while (r == 0 && getline(&line, &size, file) >= 0)
		r = table_add(root->table, line);
	if (r == 0 && !feof(file)) /* a table that ends early would leave mounts unrestricted */
		r = -EIO;
	fclose(file);
	return r;
}

void mount_old_free(struct root *root)
{
	if (!root->table)
		return;
	for (size_t i = 0; i < root->table->points.len; i++)
		free(VEC_AT(&root->table->points, char *, i));
	vec_free(&root->table->points);
	free(root->table);
	root->table = NULL;
}

/* The topmost mount at a destination. A bind on the root itself is found through "..", which at the
 * root of a process's view leads into what is mounted over it. */
int mount_top(const struct dest *dest)
{
	int fd;

	if (dest->name) {
		fd = openat(dest->dir_fd, dest->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		return fd >= 0 ? fd : -errno;
	}
	if (!dest->is_root)
		return lookup_walk(dest->root, dest->path, DEST_EXISTING, 0);
	fd = openat(dest->root->fd, "..", O_PATH | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

/* The part of point below dir ("" when they are the same), or NULL when it lies elsewhere. */
static const char *below(const char *point, const char *dir)
{
	size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	if (strncmp(point, dir, len) != 0 || (point[len] != '/' && point[len] != '\0'))
		return NULL;
	return point + len + strspn(point + len, "/");
}

static int restrict_tree(int src_fd, const struct dest *dest, int top_fd, uint64_t attrs)
{
	char link[FD_PATH_MAX];
	char src[PATH_MAX];
	struct root top = { .fd = top_fd };
	ssize_t len;
	int r = mount_old_restrict(top_fd, attrs);

	fd_path(src_fd, link);
	len = readlink(link, src, sizeof(src) - 1);
	if (r < 0 || len < 0)
		return r < 0 ? r : -errno;
	src[len] = '\0';
	r = table_load(dest->root);
	for (size_t i = 0; r == 0 && i < dest->root->table->points.len; i++) {
		const char *sub = below(VEC_AT(&dest->root->table->points, char *, i), src);
		cleanup_fd int fd = -1;

		if (!sub || !*sub)
			continue;
		fd = lookup_walk(&top, sub, DEST_NOFOLLOW, 0);
		/* covered by another mount, or out of the user's reach: then of the payload's, too
		 */
		if (fd == -ENOENT || fd == -EACCES || fd == -ENOTDIR)
			continue;
		r = fd < 0 ? fd : mount_old_restrict(fd, attrs);
		if (r == -EINVAL) /* hidden below a later mount: not a mount's root from here */
			r = 0;
	}
	return r;
}

static int cut_off(int fd)
{
	char path[FD_PATH_MAX];

	fd_path(fd, path);
	return mount(NULL, path, NULL, MS_PRIVATE | MS_REC, NULL) < 0 ? -errno : 0;
}

int mount_old_bind(int src_fd, const char *src, const struct dest *dest, uint64_t attrs,
                   struct err *err)
{
	char from[FD_PATH_MAX];
	char to[FD_PATH_MAX];
	int fd;
	int r;

	fd_path(src_fd, from);
	fd_path(dest->fd, to);
	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_step(err, STEP_BIND, errno, src, dest->path);
	fd = mount_top(dest);
	r = fd < 0 ? fd : restrict_tree(src_fd, dest, fd, attrs);
	if (r == 0 && dest->cut_off)
		r = cut_off(fd);
	if (r < 0) {
		cleanup_fd_fn(&fd);
		return err_step(err, STEP_BIND_FLAGS, -r, src, dest->path);
	}
	return fd;
}

static int join_options(const struct mount_option *option, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (; option && option->key; option++) {
		int n = snprintf(buf + len, size - len, "%s%s%s%s", len ? "," : "", option->key,
		                 option->value ? "=" : "", option->value ? option->value : "");

		if (n < 0 || (size_t)n >= size - len)
			return -ENAMETOOLONG;
		len += (size_t)n;
	}
	return 0;
}

int mount_old_new(const struct mount_new *new, const struct dest *dest, struct err *err)
{
	char to[FD_PATH_MAX];
	char data[4096];
	int fd;

	fd_path(dest->fd, to);
	if (join_options(new->options, data, sizeof(data)) < 0)
		return err_step(err, new->step, ENAMETOOLONG, dest->path, NULL);
	if (mount(new->type, to, new->type, attrs_to_ms(new->attrs), data) < 0)
		return err_step(err, new->step, errno, dest->path, NULL);
	fd = mount_top(dest);
	if (fd < 0)
		return err_step(err, new->step, -fd, dest->path, NULL);
	return fd;
}
