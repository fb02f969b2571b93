/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The back end without a systemd: a directory of our own in a part of the tree that is the caller's
 * already, as in a container, a CI runner or a unit with Delegate=.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/errno-text.h"
#include "run/cgroup-file.h"
#include "run/cgroup.h"

struct search {
	const char *const *controllers;
	char reason[512]; /* why the nearest place would not do */
	bool has_reason;
};

__attribute__((format(printf, 2, 3))) static void search_note(struct search *search,
                                                              const char *fmt, ...);

static void search_note(struct search *search, const char *fmt, ...)
{
	va_list ap;

	if (search->has_reason)
		return;
	search->has_reason = true;
	va_start(ap, fmt);
	vsnprintf(search->reason, sizeof(search->reason), fmt, ap);
	va_end(ap);
}

/* Whether the children of the directory can get all the controllers, turning them on if need be. */
static bool can_hand_out(struct search *search, int dir_fd, const char *path)
{
	char have[256], on[256];

	if (cgroup_read(dir_fd, "cgroup.controllers", have, sizeof(have)) < 0 ||
	    cgroup_read(dir_fd, "cgroup.subtree_control", on, sizeof(on)) < 0)
		return false;
	for (const char *const *name = search->controllers; *name; name++) {
		char text[32];
		int r;

		if (cgroup_has_word(on, *name))
			continue;
		if (!cgroup_has_word(have, *name)) {
			search_note(search, "%s/cgroup.controllers has no %s", path, *name);
			return false;
		}
		snprintf(text, sizeof(text), "+%s", *name);
		r = cgroup_write(dir_fd, "cgroup.subtree_control", text);
		if (r == -EBUSY)
			search_note(
				search,
				"%s has processes of its own, so it can't hand the %s controller to children (move them to a child of it first)",
				path, *name);
		else if (r < 0)
			search_note(search, "%s/cgroup.subtree_control can't be written: %s", path,
			            errno_text(-r));
		if (r < 0)
			return false;
	}
	return true;
}

/* Moving a process takes the right to write cgroup.procs where it goes and in what the two places
 * have in common, which is the directory itself. */
static bool is_writable(struct search *search, int dir_fd, const char *path)
{
	if (faccessat(dir_fd, ".", W_OK | X_OK, AT_EACCESS) == 0 &&
	    faccessat(dir_fd, "cgroup.procs", W_OK, AT_EACCESS) == 0)
		return true;
	search_note(search, "%s is not yours to write", path);
	return false;
}

/* Returns the parent with the path set, -ENOENT with the reason noted, or -errno with err set. */
static int try_place(struct cgroup *cgroup, struct search *search, const char *place,
                     const char *name, struct err *err)
{
	cleanup_fd int dir_fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0 || !is_writable(search, dir_fd, place) ||
	    !can_hand_out(search, dir_fd, place))
		return -ENOENT;
	if (asprintf(&cgroup->path, "%s/%s", place, name) < 0) {
		cgroup->path = NULL;
		return err_text(err, ENOMEM, "make the cgroup %s", name);
	}
	return steal_fd(&dir_fd);
}

int cgroup_make_base(struct cgroup *cgroup, int parent_fd, struct err *err)
{
	const char *name = strrchr(cgroup->path, '/') + 1;

	if (mkdirat(parent_fd, name, 0755) < 0)
		return err_text(err, errno, "make the cgroup %s", cgroup->path);
	cgroup->ours = true;
	cgroup->base_fd = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (cgroup->base_fd < 0) {
		int num = errno;

		(void)unlinkat(parent_fd, name, AT_REMOVEDIR);
		return err_text(err, num, "open the cgroup %s", cgroup->path);
	}
	return 0;
}

int cgroup_find_place(struct cgroup *cgroup, const char *name, const char *const *controllers,
                      struct err *err)
{
	struct search search = { .controllers = controllers };
	cleanup_free char *own = NULL;
	cleanup_free char *top = NULL;
	cleanup_free char *place = NULL;
	size_t top_len;
	int r = cgroup_path_of(0, &own, err);

	if (r == 0)
		r = cgroup_locate(cgroup->mounts, own, &place, err);
	if (r == 0)
		r = cgroup_locate(cgroup->mounts, "/", &top, err);
	if (r < 0 || !top || !place)
		return -ENOENT;
	top_len = strlen(top);
	for (;;) {
		r = try_place(cgroup, &search, place, name, err);
		if (r != -ENOENT)
			return r;
		if (strlen(place) <= top_len || !strchr(place + top_len, '/'))
			break;
		*strrchr(place, '/') = '\0';
	}
	err_text(err, 0, "find a cgroup to hold the limits: %s", search.reason);
	return -ENOENT;
}
