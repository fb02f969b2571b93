/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/exec.h"

#include <errno.h>
#include <limits.h>
#include <paths.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* What confstr(3) says of _CS_PATH. */
static const char default_path[] = "/bin:/usr/bin";

static const char *find_path(char **env)
{
	for (; *env; env++)
		if (strncmp(*env, "PATH=", strlen("PATH=")) == 0)
			return *env + strlen("PATH=");
	return default_path;
}

static int exec_file(const char *file, char **argv, char **env)
{
	execve(file, argv, env);
	if (errno != ENOEXEC)
		return -errno;
	argv[-1] = (char *)_PATH_BSHELL;
	argv[0] = (char *)file;
	execve(_PATH_BSHELL, argv - 1, env);
	return -errno;
}

/* The file may be elsewhere along the path. */
static bool is_not_here(int num)
{
	return num == EACCES || num == ENOENT || num == ESTALE || num == ENOTDIR || num == ENODEV ||
	       num == ETIMEDOUT;
}

int exec_along_path(const char *file, char **argv, char **env)
{
	size_t file_len = strlen(file);
	const char *path = find_path(env);
	bool denied = false;
	int r = -ENOENT;

	if (!*file)
		return -ENOENT;
	if (strchr(file, '/'))
		return exec_file(file, argv, env);
	if (file_len > NAME_MAX)
		return -ENAMETOOLONG;
	for (const char *end; path; path = *end ? end + 1 : NULL) {
		char full[PATH_MAX];
		size_t len;

		end = strchrnul(path, ':');
		len = (size_t)(end - path);
		if (len + 1 + file_len + 1 > sizeof(full))
			continue;
		/* an empty element is the working directory */
		memcpy(full, path, len);
		full[len] = '/';
		memcpy(full + len + (len > 0), file, file_len + 1);
		r = exec_file(full, argv, env);
		if (!is_not_here(-r))
			return r;
		denied = denied || r == -EACCES;
	}
	return denied ? -EACCES : r;
}
