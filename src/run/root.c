/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/plan.h"
#include "run/lookup.h"
#include "run/mount.h"

/* Without a user namespace of our own nothing has cut the propagation to the host yet; with one,
 * the kernel has made every mount a slave when it copied the tree (mount_namespaces(7)). */
static int stop_propagation(const struct plan *plan, struct err *err)
{
	if (plan->ns.new_user)
		return 0;
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_step(err, STEP_SLAVE, errno, "/", NULL);
	return 0;
}

int root_begin(struct root *root, const struct plan *plan, struct err *err)
{
	static const struct mount_option options[] = { { "mode", "0755" }, { NULL, NULL } };
	const struct mount_new tmpfs = {
		.type = "tmpfs",
		.options = options,
		.attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.step = STEP_ROOT,
	};
	struct dest slash = { .root = root, .path = "/", .is_root = true };
	struct stat st;
	int r = stop_propagation(plan, err);

	*root = (struct root){
		.fd = -1, .old_fd = -1, .base_fd = -1, .parent = { .fd = -1 }, .parent_mode = 0755
	};
	if (r < 0)
		return r;
	root->refuse_symlinks = plan->refuse_dest_symlinks;
	lookup_probe(root, plan->force_openat);
	mount_probe(root, plan->force_old_mount);
	root->old_fd = root->fd = slash.fd = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
	if (root->fd < 0)
		return err_step(err, STEP_ROOT, errno, "/", NULL);
	r = mount_new(&tmpfs, &slash, err);
	if (r < 0)
		return r;
	root->fd = root->base_fd = r;
	if (fstat(root->base_fd, &st) < 0)
		return err_step(err, STEP_ROOT, errno, "/", NULL);
	root->base_dev = st.st_dev;
	/* a bind of the host's "/" would otherwise take the new root along, which is stacked on it
	 */
	r = mount_propagation(root, root->base_fd, MS_UNBINDABLE);
	return r < 0 ? err_step(err, STEP_ROOT, -r, "/", NULL) : 0;
}

void root_replace(struct root *root, int fd)
{
	if (root->fd != root->base_fd)
		close(root->fd);
	root->fd = fd;
	root->covered++;
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up over the new one and is unmounted
 * from there, so no directory for it is needed. What is still stacked on the old root comes off
 * first: from a cwd in it, "." is unmounted from the top, and never the new root. */
int root_pivot(struct root *root, struct err *err)
{
	int r = root->fd == root->base_fd ? mount_propagation(root, root->fd, MS_PRIVATE) : 0;

	if (r < 0)
		return err_step(err, STEP_PIVOT, -r, "/", NULL);
	if (fchdir(root->fd) < 0)
		return err_step(err, STEP_PIVOT, errno, "/", NULL);
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_step(err, STEP_PIVOT, errno, "/", NULL);
	if (fchdir(root->old_fd) < 0)
		return err_step(err, STEP_OLDROOT, errno, NULL, NULL);
	for (unsigned int i = 0; i <= root->covered; i++)
		if (umount2(".", MNT_DETACH) < 0)
			return err_step(err, STEP_OLDROOT, errno, NULL, NULL);
	if (chdir("/") < 0)
		return err_step(err, STEP_PIVOT, errno, "/", NULL);
	return 0;
}

void root_close(struct root *root)
{
	if (root->fd != root->base_fd && root->fd >= 0)
		close(root->fd);
	if (root->base_fd >= 0)
		close(root->base_fd);
	if (root->old_fd >= 0)
		close(root->old_fd);
	root->fd = root->base_fd = root->old_fd = -1;
	parent_forget(root);
	mount_old_free(root);
}
