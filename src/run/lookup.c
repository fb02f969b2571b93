/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/path.h"
#include "run/place.h"

static int sys_openat2(int dirfd, const char *path, uint64_t flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = (flags & O_CREAT) ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

void lookup_probe(struct root *root, bool force_fallback)
{
	/* ENOSYS from an old kernel or gVisor, EPERM from a filter that does not know the call */
	root->has_openat2 =
		!force_fallback && (sys_openat2(-1, "x", O_PATH, 0) >= 0 || errno == EBADF);
}

/* O_NONBLOCK: a FIFO as the destination is an error, not a wait. */
static uint64_t open_flags(enum dest_kind kind)
{
	switch (kind) {
	case DEST_NOFOLLOW:
		return O_PATH | O_NOFOLLOW;
	case DEST_WRITE:
		return O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK;
	case DEST_EXISTING:
	case DEST_DIR:
	case DEST_FILE:
	case DEST_PARENT:
	default:
		return O_PATH;
	}
}

/* The kernel's own resolution, for what exists already; -EAGAIN is a rename on the way. */
static int open_in_root(const struct root *root, const char *path, enum dest_kind kind, mode_t mode)
{
	uint64_t flags = open_flags(kind) | (root->refuse_symlinks ? O_NOFOLLOW : 0);
	int fd = -1;

	for (int tries = 0; tries < 16; tries++) {
		fd = sys_openat2(root->fd, path, flags, mode);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd >= 0 ? fd : -errno;
}

static enum step failed_step(enum dest_kind kind, int r)
{
	if (r == -ELOOP)
		return STEP_LOOKUP;
	switch (kind) {
	case DEST_DIR:
		return STEP_MKDIR;
	case DEST_FILE:
	case DEST_WRITE:
		return STEP_MKFILE;
	case DEST_PARENT:
		return STEP_PARENTS;
	case DEST_NOFOLLOW: /* only --chmod's */
		return STEP_CHMOD;
	case DEST_EXISTING:
	default:
		return STEP_LOOKUP;
	}
}

static bool may_make(enum dest_kind kind)
{
	return kind != DEST_EXISTING && kind != DEST_NOFOLLOW;
}

/* The directory part and the last name of a path, as far as text tells. Returns false where it does
 * not: no name, or one that is "." or "..". */
static bool split(const char *path, char ret_dir[PATH_MAX], char ret_name[NAME_MAX + 1])
{
	size_t len = strlen(path);

	lookup_last(path, ret_name);
	if (!ret_name[0] || len >= PATH_MAX || path[len - 1] == '/')
		return false;
	len -= strlen(ret_name);
	memcpy(ret_dir, path, len);
	ret_dir[len] = '\0';
	return true;
}

static int make_last(int parent, const char *name, enum dest_kind kind, mode_t mode)
{
	if (kind == DEST_DIR)
		return mkdirat(parent, name, mode);
	return mknodat(parent, name, S_IFREG | (mode & 07777), 0);
}

/* A missing parent, in a directory that is known. Returns an owned descriptor. */
static int make_parent(const struct root *root, char *dir)
{
	const char *name;
	size_t len = strlen(dir);
	int known;
	int fd = -1;

	dir[len - 1] = '\0';
	known = parent_find(root, dir, &name);
	if (known >= 0 && mkdirat(known, name, root->parent_mode) == 0)
		fd = openat(known, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	dir[len - 1] = '/';
	return fd;
}

/* The common case of something missing: all but the last component or two are there, and what is
 * not is made. Whatever else is the matter is left to the walk. */
static int make_in_root(struct root *root, const char *path, enum dest_kind kind, mode_t mode)
{
	char dir[PATH_MAX];
	char name[NAME_MAX + 1];
	cleanup_fd int parent = -1;
	int fd;

	if (!split(path, dir, name))
		return -ENOENT;
	parent = sys_openat2(root->fd, dir[0] ? dir : ".", O_PATH | O_DIRECTORY, 0);
	if (parent < 0 && errno == ENOENT)
		parent = make_parent(root, dir);
	if (parent < 0)
		return -ENOENT;
	if (kind == DEST_PARENT)
		return steal_fd(&parent);
	if (make_last(parent, name, kind, mode) < 0)
		return -ENOENT;
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	parent_keep(root, dir, &parent);
	return fd >= 0 ? fd : -ENOENT;
}

/* The message tells, as bwrap's, whether the way there was the trouble. */
static int say_failure(const struct dest *dest, enum dest_kind kind, int num, struct err *err)
{
	enum step step = failed_step(kind, num);
	char dir[PATH_MAX];
	char name[NAME_MAX + 1];
	cleanup_fd int parent = -1;
	struct stat st;

	if (step == STEP_MKDIR || step == STEP_MKFILE) {
		if (split(path_relative(dest->path), dir, name) && dir[0])
			parent = lookup_walk(dest->root, dir, DEST_EXISTING, 0);
		else
			parent = fcntl(dest->root->fd, F_DUPFD_CLOEXEC, 3);
		if (parent == -ENOENT || parent == -ENOTDIR ||
		    (parent >= 0 && fstat(parent, &st) == 0 && !S_ISDIR(st.st_mode)))
			step = STEP_PARENTS;
	}
	return err_step(err, step, -num, dest->path, NULL);
}

/* --dest-symlinks=refuse: what was opened must not be the link itself. What cannot be told counts
 * as one. */
static bool is_refused_link(const struct root *root, int fd, enum dest_kind kind)
{
	struct stat st;

	if (!root->refuse_symlinks || kind == DEST_NOFOLLOW || kind == DEST_PARENT)
		return false;
	return fd == -ELOOP || (fd >= 0 && (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode)));
}

/* *ret_made: nobody but us has had it in hand, so it is what was asked for. */
static int open_or_make(const struct dest *dest, enum dest_kind kind, mode_t mode, bool *ret_made,
                        struct err *err)
{
	struct root *root = dest->root;
	const char *path = path_relative(dest->path);
	int fd = -ENOENT;

	*ret_made = false;
	if (root->has_openat2 && kind != DEST_PARENT)
		fd = open_in_root(root, path, kind, mode);
	/* what is missing is made; what the kernel refuses stays refused */
	if (fd == -ENOENT && root->has_openat2 && kind != DEST_WRITE && may_make(kind)) {
		fd = make_in_root(root, path, kind, mode);
		*ret_made = fd >= 0 && kind != DEST_PARENT;
	}
	if (fd == -ENOENT && (!root->has_openat2 || may_make(kind)))
		fd = lookup_walk(root, path, kind, mode);
	if (is_refused_link(root, fd, kind)) {
		cleanup_fd_fn(&fd);
		return err_step(err, STEP_DEST_SYMLINK, 0, dest->path, NULL);
	}
	return fd < 0 ? say_failure(dest, kind, fd, err) : fd;
}

static int check_type(mode_t mode, const char *path, enum dest_kind kind, struct err *err)
{
	if (kind == DEST_DIR && !S_ISDIR(mode))
		return err_step(err, STEP_NOT_A_DIR, 0, path, NULL);
	if (kind == DEST_FILE && S_ISDIR(mode))
		return err_step(err, STEP_NOT_A_FILE, 0, path, NULL);
	return 0;
}

int dest_open(const struct root *root, const char *path, enum dest_kind kind, mode_t mode,
              struct err *err)
{
	const struct dest dest = { .root = (struct root *)root, .path = path };
	struct stat st;
	bool made;
	cleanup_fd int fd = open_or_make(&dest, kind, mode, &made, err);

	if (fd < 0 || made || (kind != DEST_DIR && kind != DEST_FILE))
		return steal_fd(&fd);
	if (fstat(fd, &st) < 0)
		return err_step(err, STEP_LOOKUP, errno, path, NULL);
	return check_type(st.st_mode, path, kind, err) < 0 ? -EINVAL : steal_fd(&fd);
}

int dest_prepare(struct dest *dest, enum dest_kind kind, mode_t mode, struct err *err)
{
	struct place at;
	struct place top;
	cleanup_fd int fd = -1;

	dest->dir_fd = parent_find(dest->root, dest->path, &dest->name);
	dest->fd = -1;
	dest->made = dest->dir_fd >= 0 && dest->root->has_mount_api &&
	             make_last(dest->dir_fd, dest->name, kind, mode) == 0;
	if (dest->made)
		return 0;
	dest->name = NULL;
	fd = open_or_make(dest, kind, mode, &dest->made, err);
	if (fd < 0)
		return fd;
	if (!dest->made) {
		int r = place_find(fd, &at);

		parent_forget(dest->root);
		if (r == 0)
			r = place_find(dest->root->fd, &top);
		if (r < 0)
			return err_step(err, STEP_LOOKUP, -r, dest->path, NULL);
		if (check_type(at.mode, dest->path, kind, err) < 0)
			return -EINVAL;
		dest->is_root = place_is_same(&at, &top);
	}
	dest->fd = steal_fd(&fd);
	return 0;
}

int dest_fd(struct dest *dest, struct err *err)
{
	if (dest->fd < 0)
		dest->fd = openat(dest->dir_fd, dest->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return dest->fd < 0 ? err_step(err, STEP_LOOKUP, errno, dest->path, NULL) : dest->fd;
}
