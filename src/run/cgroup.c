/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "core/parse.h"
#include "core/vec.h"
#include "run/cgroup-file.h"

enum { DIR_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

void cgroup_close(struct cgroup *cgroup)
{
	int *fds[] = { &cgroup->base_fd, &cgroup->payload_fd, &cgroup->helpers_fd,
		       &cgroup->inner_fd };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (*fds[i] >= 0)
			close(steal_fd(fds[i]));
	}
	free(steal_ptr(&cgroup->path));
	free(steal_ptr(&cgroup->mounts));
}

int cgroup_look(struct cgroup *cgroup, struct err *err)
{
	return cgroup_mounts(&cgroup->mounts, err);
}

int cgroup_open_scope(struct cgroup *cgroup, pid_t pid, const char *unit, struct err *err)
{
	cleanup_free char *path = NULL;
	const char *last;
	int r = cgroup_path_of(pid, &path, err);

	if (r < 0)
		return r;
	last = strrchr(path, '/');
	if (strcmp(last + 1, unit) != 0)
		return err_text(err, EXDEV, "find the sandbox in %s: it is in %s", unit, path);
	r = cgroup_locate(cgroup->mounts, path, &cgroup->path, err);
	if (r < 0)
		return r;
	cgroup->ours = false;
	cgroup->base_fd = open(cgroup->path, DIR_FLAGS);
	if (cgroup->base_fd < 0)
		return err_text(err, errno, "open the cgroup %s", cgroup->path);
	return 0;
}

static int make_leaf(struct cgroup *cgroup, const char *name, int *ret, struct err *err)
{
	if (mkdirat(cgroup->base_fd, name, 0755) < 0 && errno != EEXIST)
		return err_text(err, errno, "make the cgroup %s/%s", cgroup->path, name);
	*ret = openat(cgroup->base_fd, name, DIR_FLAGS);
	if (*ret < 0)
		return err_text(err, errno, "open the cgroup %s/%s", cgroup->path, name);
	return 0;
}

static int move_pid(const struct cgroup *cgroup, const char *pid, struct err *err)
{
	int r = cgroup_write(cgroup->helpers_fd, "cgroup.procs", pid);

	/* a process that has ended meanwhile need not be moved */
	if (r < 0 && r != -ESRCH)
		return err_text(err, -r, "move process %s to %s/helpers", pid, cgroup->path);
	return 0;
}

static int move_pids(const struct cgroup *cgroup, const struct vec *pids, struct err *err)
{
	char buf[8192];
	char *rest = buf;
	int r = 0;

	for (size_t i = 0; r == 0 && i < pids->len; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", VEC_AT(pids, pid_t, i));
		r = move_pid(cgroup, text, err);
	}
	if (r < 0)
		return r;
	/* what the first ones have started in the mean time */
	if (cgroup_read(cgroup->base_fd, "cgroup.procs", buf, sizeof(buf)) < 0)
		return 0;
	for (char *pid; r == 0 && (pid = strsep(&rest, "\n"));) {
		if (*pid && strcmp(pid, "0") != 0)
			r = move_pid(cgroup, pid, err);
	}
	return r;
}

/* The file that shows what is delegated: the user manager's, when the path leads through it. */
static int explain_missing(const struct cgroup *cgroup, const struct limit_file *file,
                           struct err *err)
{
	const char *manager = strstr(cgroup->path, "/user@");
	int len = (int)strlen(cgroup->path);

	if (manager && strchr(manager + 1, '/'))
		len = (int)(strchr(manager + 1, '/') - cgroup->path);
	if (manager)
		return err_text(
			err, 0,
			"--%s needs the %s controller, which is not delegated to you: it is not in %.*s/cgroup.controllers; an administrator can add it with a drop-in for user@.service, for example /etc/systemd/system/user@.service.d/delegate.conf with the lines [Service] and Delegate=cpu cpuset io memory pids",
			file->option, file->controller, len, cgroup->path);
	return err_text(
		err, 0,
		"--%s needs the %s controller, which is not available: it is not in %s/cgroup.controllers",
		file->option, file->controller, cgroup->path);
}

/* Adds "+NAME" to the words, if the cgroup has the controller and it is not there yet. */
static void add_controller(char words[256], const char *have, const char *name)
{
	char word[32];
	size_t len = strlen(words);

	snprintf(word, sizeof(word), "+%s", name);
	if (cgroup_has_word(have, name) && !cgroup_has_word(words, word))
		snprintf(words + len, 256 - len, "%s%s", len ? " " : "", word);
}

/* All in one write, because each costs the kernel a pass over the tree; and none that nobody asked
 * for, because each is set up anew for both leaves. */
static int enable_controllers(const struct cgroup *cgroup, const struct vec *files, struct err *err)
{
	/* those that only give figures for the report are welcome, not needed */
	static const char *const figures[] = { "memory", "pids", "io", "cpu" };
	char have[256];
	char words[256] = "";
	int r = cgroup_read(cgroup->base_fd, "cgroup.controllers", have, sizeof(have));

	if (r < 0)
		return err_text(err, -r, "read %s/cgroup.controllers", cgroup->path);
	for (size_t i = 0; i < files->len; i++) {
		const struct limit_file *file = &VEC_AT(files, struct limit_file, i);

		if (!cgroup_has_word(have, file->controller))
			return explain_missing(cgroup, file, err);
		add_controller(words, have, file->controller);
	}
	for (size_t i = 0; cgroup->measured && i < ARRAY_LEN(figures); i++)
		add_controller(words, have, figures[i]);
	if (cgroup->delegate)
		add_controller(words, have, "cpuset");
	r = *words ? cgroup_write(cgroup->base_fd, "cgroup.subtree_control", words) : 0;
	if (r < 0)
		return err_text(err, -r, "write '%s' to %s/cgroup.subtree_control", words,
		                cgroup->path);
	return 0;
}

int cgroup_make_leaves(struct cgroup *cgroup, const struct vec *files, const struct vec *pids,
                       struct err *err)
{
	int r = make_leaf(cgroup, "payload", &cgroup->payload_fd, err);

	if (r == 0)
		r = make_leaf(cgroup, "helpers", &cgroup->helpers_fd, err);
	if (r == 0)
		r = move_pids(cgroup, pids, err);
	return r == 0 ? enable_controllers(cgroup, files, err) : r;
}

/* Whether a payload that makes a cgroup namespace and mounts the tree could write its leaf's files.
 */
static bool needs_inner(const char *mounts)
{
	cleanup_free char *lines = strdup(mounts);
	char *rest = lines;
	bool borders = lines;

	for (char *line; (line = strsep(&rest, "\n"));) {
		struct cgroup_mount mount;

		if (cgroup_parse_mount(line, &mount))
			borders &= mount.nsdelegate;
	}
	return !borders;
}

int cgroup_make_inner(struct cgroup *cgroup, struct err *err)
{
	char have[256];
	char *rest = have;
	char text[64];

	if (!cgroup->delegate && !needs_inner(cgroup->mounts))
		return 0;
	if (mkdirat(cgroup->payload_fd, "inner", 0755) < 0 && errno != EEXIST)
		return err_text(err, errno, "make the cgroup %s/payload/inner", cgroup->path);
	cgroup->inner_fd = openat(cgroup->payload_fd, "inner", DIR_FLAGS);
	if (cgroup->inner_fd < 0)
		return err_text(err, errno, "open the cgroup %s/payload/inner", cgroup->path);
	if (!cgroup->delegate ||
	    cgroup_read(cgroup->payload_fd, "cgroup.controllers", have, sizeof(have)) < 0)
		return 0;
	for (char *name; (name = strsep(&rest, " "));) {
		snprintf(text, sizeof(text), "+%s", name);
		if (*name)
			(void)cgroup_write(cgroup->payload_fd, "cgroup.subtree_control", text);
	}
	return 0;
}

/* The kernel keeps memory limits in whole pages, rounded down. */
static bool same_amount(const char *wanted, const char *held)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t a, b;

	return strcmp(wanted, held) == 0 ||
	       (parse_uint(wanted, UINT64_MAX, &a) == 0 && parse_uint(held, UINT64_MAX, &b) == 0 &&
	        a / page * page == b);
}

/* "8:0 rbps=1048576" against lines such as "8:0 rbps=1048576 wbps=max riops=max wiops=max". */
static bool same_io(const char *wanted, char *held)
{
	size_t device = strcspn(wanted, " ") + 1;

	for (char *line; (line = strsep(&held, "\n"));) {
		if (strncmp(line, wanted, device) == 0)
			return cgroup_has_word(line + device, wanted + device);
	}
	return false;
}

/* A cpuset that names CPUs which are offline or not the parent's falls back to the parent's. */
static bool same_cpus(int dir_fd, const struct limit_file *file, char *buf, size_t size)
{
	char name[64];
	struct cpu_list wanted, effective;

	snprintf(name, sizeof(name), "%s.effective", file->file);
	return cgroup_read(dir_fd, name, buf, size) == 0 &&
	       parse_cpu_list(file->text, &wanted) == 0 && parse_cpu_list(buf, &effective) == 0 &&
	       cpu_list_within(&wanted, &effective) && cpu_list_within(&effective, &wanted);
}

/* Whether buf, which was read back, is what the file asks for. */
static bool is_held(int dir_fd, const struct limit_file *file, char *buf, size_t size)
{
	if (strcmp(file->controller, "cpuset") == 0)
		return same_cpus(dir_fd, file, buf, size);
	if (strcmp(file->file, "io.max") == 0)
		return same_io(file->text, buf);
	if (strcmp(file->file, "io.weight") == 0) {
		buf[strcspn(buf, "\n")] = '\0';
		return strcmp(file->text, buf) == 0;
	}
	return same_amount(file->text, buf);
}

/* Without swap there is nothing that --memory's implied limit of the swap could hold. */
static bool is_moot(const struct limit_file *file)
{
	char swaps[256];

	return strcmp(file->file, "memory.swap.max") == 0 && strcmp(file->option, "memory") == 0 &&
	       cgroup_read(AT_FDCWD, "/proc/swaps", swaps, sizeof(swaps)) == 0 &&
	       !strchr(swaps, '\n');
}

/* What has a line for each device, or lists CPUs. */
static bool has_long(const struct vec *files)
{
	bool is_long = false;

	for (size_t i = 0; i < files->len; i++) {
		const char *name = VEC_AT(files, struct limit_file, i).controller;

		is_long |= strcmp(name, "cpuset") == 0 || strcmp(name, "io") == 0;
	}
	return is_long;
}

int cgroup_limit(const struct cgroup *cgroup, const struct vec *files, struct err *err)
{
	char amount[256];
	bool is_long = has_long(files);
	/* of a list of every other one */
	size_t size = is_long ? CPU_LIST_MAX / 2 * 5 + 1 : sizeof(amount);
	cleanup_free char *list = is_long ? malloc(size) : NULL;
	char *buf = is_long ? list : amount;

	if (!buf)
		return err_text(err, ENOMEM, "limit");
	for (size_t i = 0; i < files->len; i++) {
		const struct limit_file *file = &VEC_AT(files, struct limit_file, i);
		int r = cgroup_write_back(cgroup->payload_fd, file->file, file->text, buf, size);

		if (r == -ENOENT && is_moot(file))
			continue;
		if (r == -ENOENT)
			return err_text(err, 0, "--%s: this kernel has no %s", file->option,
			                file->file);
		if (r < 0)
			return err_text(err, -r, "--%s: write '%s' to %s/payload/%s", file->option,
			                file->text, cgroup->path, file->file);
		if (!is_held(cgroup->payload_fd, file, buf, size))
			return err_text(
				err, 0,
				"--%s: the limit is not in force: %s/payload/%s holds '%s' after '%s' was written",
				file->option, cgroup->path, file->file, buf, file->text);
	}
	return 0;
}

int cgroup_enter(int dir_fd)
{
	return cgroup_write(dir_fd, "cgroup.procs", "0");
}
