/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/helper.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "run/fds.h"

void helper_find(const char *name, char *buf, size_t size)
{
	const char *dir = getenv("SBX_LIBEXECDIR");
	char self[PATH_MAX];
	ssize_t len;
	const char *slash;

	if (dir && *dir) {
		snprintf(buf, size, "%s/%s", dir, name);
		return;
	}
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		if (slash &&
		    snprintf(buf, size, "%.*s/%s", (int)(slash - self), self, name) < (int)size &&
		    access(buf, X_OK) == 0)
			return;
	}
	snprintf(buf, size, PKGLIBEXECDIR "/%s", name);
}

/* No signal of ours is blocked or ignored there, and its output goes to out and text. */
static int spawn(const char *path, char *const argv[], const int fds[2], pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	r = posix_spawn_file_actions_adddup2(&actions, fds[0], STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
	if (r == 0)
		r = posix_spawnattr_setsigmask(&attr, &none);
	if (r == 0)
		r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (r == 0)
		r = posix_spawn(ret, path, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -r;
}

static int wait_for(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Takes the descriptor over. */
static int read_back(int *fd, char **ret, size_t *ret_len)
{
	if (lseek(*fd, 0, SEEK_SET) < 0)
		return -errno;
	return fds_read_all(steal_fd(fd), ret, ret_len);
}

static int report_failure(const char *name, int status, char *text, struct err *err)
{
	size_t len = strlen(name);

	text[strcspn(text, "\n")] = '\0';
	if (WIFSIGNALED(status))
		return err_text(err, 0, "%s was killed by signal %d", name, WTERMSIG(status));
	if (!*text)
		return err_text(err, 0, "%s failed without a word, with status %d", name,
		                WEXITSTATUS(status));
	if (strncmp(text, name, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	return err_text(err, 0, "%s", text);
}

int helper_run(char *const argv[], struct helper_output *ret, struct err *err)
{
	cleanup_fd int out = memfd_create("out", MFD_CLOEXEC);
	cleanup_fd int text = memfd_create("err", MFD_CLOEXEC);
	cleanup_free char *out_bytes = NULL, *text_bytes = NULL;
	char path[PATH_MAX];
	size_t out_len = 0, text_len;
	int status = 0, r;
	pid_t pid = -1;

	helper_find(argv[0], path, sizeof(path));
	r = out < 0 || text < 0 ? -EMFILE : spawn(path, argv, (const int[]){ out, text }, &pid);
	if (r == 0)
		r = wait_for(pid, &status);
	if (r == 0)
		r = read_back(&text, &text_bytes, &text_len);
	if (r == 0 && status != 0 && text_bytes)
		return report_failure(argv[0], status, text_bytes, err);
	if (r == 0)
		r = read_back(&out, &out_bytes, &out_len);
	if (r < 0)
		return err_text(err, -r, "run the helper '%s'", path);
	*ret = (struct helper_output){ steal_ptr(&out_bytes), out_len, steal_ptr(&text_bytes) };
	return 0;
}
