/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/parent.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/path.h"
#include "run/lookup.h"

void parent_forget(struct root *root)
{
	if (root->parent.fd >= 0)
		close(root->parent.fd);
	root->parent.fd = -1;
}

void parent_keep(struct root *root, const char *dir, int *fd)
{
	struct stat st;

	if (strlen(dir) >= sizeof(root->parent.path) || fstat(*fd, &st) < 0 ||
	    st.st_dev != root->base_dev)
		return;
	parent_forget(root);
	root->parent.fd = steal_fd(fd);
	memcpy(root->parent.path, dir, strlen(dir) + 1);
}

int parent_find(const struct root *root, const char *path, const char **ret_name)
{
	const char *slash;
	size_t len;

	if (!root->has_openat2)
		return -1;
	path = path_relative(path);
	slash = strrchr(path, '/');
	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name || !strcmp(*ret_name, ".") || !strcmp(*ret_name, ".."))
		return -1;
	if (!slash)
		return root->fd == root->base_fd ? root->base_fd : -1;
	len = (size_t)(*ret_name - path);
	if (root->parent.fd < 0 || strncmp(root->parent.path, path, len) != 0 ||
	    root->parent.path[len] != '\0')
		return -1;
	return root->parent.fd;
}
