/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/cgroup-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/parse.h"

enum { LINES_MAX = 16384 };

/* Reads to the end of the file. */
static int read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = pread(fd, buf + len, size - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == size)
			return -EFBIG;
	}
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return 0;
}

static int write_all(int fd, const char *text)
{
	ssize_t n;

	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == strlen(text) ? 0 : -EIO;
}

int cgroup_read(int dir_fd, const char *file, char *buf, size_t size)
{
	cleanup_fd int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : read_all(fd, buf, size);
}

int cgroup_write(int dir_fd, const char *file, const char *text)
{
	cleanup_fd int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : write_all(fd, text);
}

int cgroup_write_back(int dir_fd, const char *file, const char *text, char *buf, size_t size)
{
	cleanup_fd int fd = openat(dir_fd, file, O_RDWR | O_CLOEXEC);
	int r = fd < 0 ? -errno : write_all(fd, text);

	if (r == 0 && read_all(fd, buf, size) < 0)
		buf[0] = '\0';
	return r;
}

bool cgroup_has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; *p; p += strspn(p, " \n")) {
		size_t n = strcspn(p, " \n");

		if (n == len && strncmp(p, word, len) == 0)
			return true;
		p += n;
	}
	return false;
}

int cgroup_read_key(int dir_fd, const char *file, const char *key, uint64_t *ret)
{
	char buf[8192];
	char *rest = buf;
	size_t len = strlen(key);
	int r = cgroup_read(dir_fd, file, buf, sizeof(buf));

	if (r < 0)
		return r;
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return parse_uint(line + len + 1, UINT64_MAX, ret);
	}
	return -ENOENT;
}

/* The lines before "0::" are cgroup v1's, on machines that have both. */
int cgroup_path_of(pid_t pid, char **ret, struct err *err)
{
	char name[32] = "/proc/self/cgroup";
	char buf[LINES_MAX];
	char *rest = buf;
	int r;

	if (pid > 0)
		snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	r = cgroup_read(AT_FDCWD, name, buf, sizeof(buf));
	if (r < 0)
		return err_text(err, -r, "find the cgroup in %s", name);
	r = -ENOENT;
	for (char *line; r == -ENOENT && (line = strsep(&rest, "\n"));) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		*ret = strdup(line + 3);
		r = *ret ? 0 : -ENOMEM;
	}
	return r < 0 ? err_text(err, -r, "find the cgroup v2 line in %s", name) : 0;
}

/* Fields of /proc/self/mountinfo are separated by blanks; a blank in a path is \040. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (p[0] == '\\' && strspn(p + 1, "01234567") >= 3) {
			*to++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
}

bool cgroup_parse_mount(char *line, struct cgroup_mount *ret)
{
	char *fields[6];
	char *rest = line;
	char *type = strstr(line, " - ");

	if (!type || strncmp(type + 3, "cgroup2 ", 8) != 0)
		return false;
	ret->nsdelegate = strstr(type, "nsdelegate");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		fields[i] = strsep(&rest, " ");
		if (!fields[i])
			return false;
	}
	ret->root = fields[3];
	ret->point = fields[4];
	unescape(ret->root);
	unescape(ret->point);
	return true;
}

/* When line is a cgroup2 mount that shows path, gives its place there. */
static int locate_in(char *line, const char *path, char **ret)
{
	struct cgroup_mount mount;
	const char *below = path;
	size_t len;

	if (!cgroup_parse_mount(line, &mount))
		return -ENOENT;
	len = strcmp(mount.root, "/") == 0 ? 0 : strlen(mount.root);
	if (strncmp(path, mount.root, len) != 0 || (path[len] && path[len] != '/'))
		return -ENOENT;
	below += len;
	return asprintf(ret, "%s%s", mount.point, strcmp(below, "/") == 0 ? "" : below) < 0
	               ? -ENOMEM
	               : 0;
}

/* Adds a line to the text, which grows. Returns 0 or -ENOMEM. */
static int add_line(char **text, const char *line)
{
	char *more = NULL;

	if (asprintf(&more, "%s%s", *text ? *text : "", line) < 0)
		return -ENOMEM;
	free(*text);
	*text = more;
	return 0;
}

int cgroup_mounts(char **ret, struct err *err)
{
	cleanup_free char *line = NULL;
	cleanup_free char *lines = NULL;
	size_t size = 0;
	FILE *file = fopen("/proc/self/mountinfo", "re");
	int r;

	if (!file)
		return err_text(err, errno, "find the cgroup2 mount in /proc/self/mountinfo");
	r = add_line(&lines, "");
	while (r == 0 && getline(&line, &size, file) > 0)
		if (strstr(line, " - cgroup2 "))
			r = add_line(&lines, line);
	fclose(file);
	if (r < 0)
		return err_text(err, -r, "find the cgroup2 mount");
	*ret = steal_ptr(&lines);
	return 0;
}

int cgroup_locate(const char *mounts, const char *path, char **ret, struct err *err)
{
	cleanup_free char *lines = strdup(mounts);
	char *rest = lines;
	int r = lines ? -ENOENT : -ENOMEM;

	for (char *line; r == -ENOENT && (line = strsep(&rest, "\n"));)
		r = locate_in(line, path, ret);
	return r < 0 ? err_text(err, -r, "find a cgroup2 mount that shows %s", path) : 0;
}
