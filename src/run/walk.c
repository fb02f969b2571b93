/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk: one component at a time on O_PATH descriptors, links read as text and resolved against
 * the root, ".." by walking again from the root along what was resolved so far. The state is where
 * we are (fd, and done: its path without links) and what is left to walk (rest).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "core/cleanup.h"
#include "run/lookup.h"

enum { MAX_LINKS = 40 }; /* the kernel's own limit (path_resolution(7)) */

struct walk {
	const struct root *root;
	enum dest_kind kind;
	mode_t mode;
	int fd;
	unsigned int links;
	char done[PATH_MAX];
	char rest[2 * PATH_MAX];
};

static int open_component(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

/* Takes the next component off rest. Returns its length, 0 at the end. */
static size_t take_component(struct walk *walk, char name[NAME_MAX + 1])
{
	char *start = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(start, "/");

	if (len > NAME_MAX)
		return len;
	memcpy(name, start, len);
	name[len] = '\0';
	memmove(walk->rest, start + len, strlen(start + len) + 1);
	return len;
}

static bool at_last(const struct walk *walk)
{
	return walk->rest[strspn(walk->rest, "/")] == '\0';
}

static void step_to(struct walk *walk, int fd)
{
	if (walk->fd >= 0)
		close(walk->fd);
	walk->fd = fd;
}

static int open_root(struct walk *walk)
{
	int fd = openat(walk->root->fd, ".", O_PATH | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	step_to(walk, fd);
	return 0;
}

static int goto_root(struct walk *walk)
{
	int r = open_root(walk);

	if (r == 0)
		walk->done[0] = '\0';
	return r;
}

static int note_component(struct walk *walk, const char *name)
{
	size_t len = strlen(walk->done);
	int n = snprintf(walk->done + len, sizeof(walk->done) - len, "/%s", name);

	return n < 0 || (size_t)n >= sizeof(walk->done) - len ? -ENAMETOOLONG : 0;
}

/* "..": done holds no link, so walking it again without following any leads to the parent; at the
 * root it stays there. */
static int goto_parent(struct walk *walk)
{
	char *slash = strrchr(walk->done, '/');
	int r;

	if (slash)
		*slash = '\0';
	r = open_root(walk);
	for (char *name = walk->done; r == 0 && *name;) {
		char *end = name + 1 + strcspn(name + 1, "/");
		char next = *end;
		int fd;

		*end = '\0';
		fd = open_component(walk->fd, name + 1);
		*end = next;
		if (fd < 0)
			return fd;
		step_to(walk, fd);
		name = end;
	}
	return r;
}

/* A link of procfs whose text is no path from where it stands (fd, root, cwd, exe, ns/...): the
 * kernel would jump, which RESOLVE_NO_MAGICLINKS refuses with ELOOP. Not to know is to refuse. */
static bool is_magic(int link_fd, const char *target)
{
	struct statfs fs;

	if (fstatfs(link_fd, &fs) < 0)
		return true;
	if (fs.f_type != PROC_SUPER_MAGIC)
		return false;
	return target[0] == '/' || strstr(target, ":[") || strncmp(target, "anon_inode:", 11) == 0;
}

/* The link's text is read to the front of rest, which waits at the end meanwhile. */
static int follow_link(struct walk *walk, int link_fd)
{
	char *target = walk->rest;
	size_t left = strlen(walk->rest) + 1;
	size_t room = sizeof(walk->rest) - left;
	ssize_t len;

	if (room == 0)
		return -ENAMETOOLONG;
	memmove(target + room, target, left);
	len = readlinkat(link_fd, "", target, room);
	if (len < 0)
		return -errno;
	if ((size_t)len == room)
		return -ENAMETOOLONG;
	target[len] = '\0';
	if (++walk->links > MAX_LINKS || is_magic(link_fd, target))
		return -ELOOP;
	if (len == 0)
		return -ENOENT;
	target[len] = '/';
	memmove(target + len + 1, target + room, left);
	return target[0] == '/' ? goto_root(walk) : 0;
}

/* Makes what is missing, as the kind of destination wants it. */
static int make_component(const struct walk *walk, const char *name, bool last)
{
	int fd;

	if (walk->kind == DEST_EXISTING || walk->kind == DEST_NOFOLLOW)
		return -ENOENT;
	if (!last || walk->kind == DEST_DIR || walk->kind == DEST_PARENT)
		return mkdirat(walk->fd, name,
		               last && walk->kind == DEST_DIR ? walk->mode
		                                              : walk->root->parent_mode) < 0 &&
		                       errno != EEXIST
		               ? -errno
		               : 0;
	fd = openat(walk->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	            walk->mode);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	close(fd);
	return 0;
}

static int enter_component(struct walk *walk, const char *name, bool last)
{
	cleanup_fd int fd = open_component(walk->fd, name);
	struct stat st;

	if (fd == -ENOENT) {
		int r = make_component(walk, name, last);

		if (r < 0)
			return r;
		fd = open_component(walk->fd, name);
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode) && !(last && walk->kind == DEST_NOFOLLOW)) {
		if (last && walk->root->refuse_symlinks)
			return -ELOOP;
		return follow_link(walk, fd);
	}
	if (!last && !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (note_component(walk, name) < 0)
		return -ENAMETOOLONG;
	step_to(walk, steal_fd(&fd));
	return 0;
}

/* The walk ends on an O_PATH descriptor; writing needs a real one, of the same file. */
static int open_for_writing(int fd)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = open(path, O_WRONLY | O_TRUNC | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return ret >= 0 ? ret : -errno;
}

static int walk_all(struct walk *walk)
{
	char name[NAME_MAX + 1];
	size_t len;

	while ((len = take_component(walk, name)) > 0) {
		int r;

		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0)
			r = goto_parent(walk);
		else
			r = enter_component(walk, name, at_last(walk));
		if (r < 0)
			return r;
	}
	return 0;
}

void lookup_last(const char *path, char ret_name[256])
{
	size_t end = strlen(path);
	size_t start;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/';)
		start--;
	if (end - start > NAME_MAX)
		end = start;
	memcpy(ret_name, path + start, end - start);
	ret_name[end - start] = '\0';
	if (!strcmp(ret_name, ".") || !strcmp(ret_name, ".."))
		ret_name[0] = '\0';
}

int lookup_walk(const struct root *root, const char *path, enum dest_kind kind, mode_t mode)
{
	struct walk walk = { .root = root, .kind = kind, .mode = mode, .fd = -1 };
	size_t len = strlen(path);
	int r;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(walk.rest, path, len + 1);
	if (kind == DEST_PARENT) {
		char last[NAME_MAX + 1];

		while (len > 0 && walk.rest[len - 1] == '/')
			len--;
		lookup_last(path, last);
		walk.rest[len - strlen(last)] = '\0';
	}
	r = goto_root(&walk);
	if (r == 0)
		r = walk_all(&walk);
	if (r == 0 && kind == DEST_WRITE)
		r = open_for_writing(walk.fd);
	else if (r == 0)
		r = steal_fd(&walk.fd);
	cleanup_fd_fn(&walk.fd);
	return r;
}
