/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/fds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/parse.h"
#include "core/plan.h"

int fds_guard_stdio(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (errno != EBADF)
			return -errno;
		/* the lowest free descriptor is fd itself */
		if (open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}

int fds_is_terminal(int fd)
{
	struct pollfd poll_fd = { .fd = fd };
	struct termios modes;
	int num;

	/* not isatty(3), which gives one reason for all */
	if (tcgetattr(fd, &modes) == 0)
		return 1;
	if (errno == ENOTTY || errno == EINVAL || errno == EBADF)
		return 0;
	/* one that was hung up is no terminal any more, and an error in all else */
	num = errno;
	if (num == EIO && poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP))
		return 0;
	return -num;
}

/* One descriptor of a range; that it is not open is what we want. */
static int shut(int fd, unsigned int flags)
{
	if (flags & CLOSE_RANGE_CLOEXEC)
		return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 && errno != EBADF ? -errno : 0;
	close(fd);
	return 0;
}

static int shut_by_number(unsigned int first, unsigned int last, unsigned int flags)
{
	struct rlimit limit;
	int r = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	for (unsigned int fd = first; r == 0 && fd <= last && fd < limit.rlim_max && fd < 1 << 20;
	     fd++)
		r = shut((int)fd, flags);
	return r;
}

/* The list is complete and short: a descriptor may lie above today's limit, and the limit may be a
 * billion. Without a /proc the numbers have to do. */
static int shut_by_list(unsigned int first, unsigned int last, unsigned int flags)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return shut_by_number(first, last, flags);
	for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0) {
		int fd;

		if (parse_fd(entry->d_name, &fd) == 0 && fd != dirfd(dir) &&
		    (unsigned int)fd >= first && (unsigned int)fd <= last)
			r = shut(fd, flags);
	}
	r = r == 0 && errno ? -errno : r;
	closedir(dir);
	return r;
}

/* close_range(2) is Linux 5.9, its CLOEXEC flag 5.11; without them one call a descriptor. */
static int range(unsigned int first, unsigned int last, unsigned int flags)
{
	if (first > last || syscall(SYS_close_range, first, last, flags) == 0)
		return 0;
	if (errno != ENOSYS && errno != EPERM && errno != EINVAL)
		return -errno;
	return shut_by_list(first, last, flags);
}

static int set_cloexec(int fd, bool on, struct err *err)
{
	return fd >= 0 && fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0
	               ? err_fd(err, STEP_FDS, errno, fd)
	               : 0;
}

/* One that is not open is an error here, in the words of the step that is to use it: later its
 * number may be that of something of ours. */
static int consume(int fd, enum step step, const char *subject, struct err *err)
{
	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
		return 0;
	if (errno != EBADF)
		return err_fd(err, STEP_FDS, errno, fd);
	return subject ? err_step(err, step, EBADF, subject, NULL) : err_fd(err, step, EBADF, fd);
}

static int consume_single(const struct plan *plan, struct err *err)
{
	const struct {
		int fd;
		enum step step;
		const char *subject;
	} single[] = {
		{ plan->ns.userns_fd, STEP_SETNS, "user" },
		{ plan->ns.netns_fd, STEP_SETNS, "net" },
		{ plan->ns.userns2_fd, STEP_SETNS_LATER, "userns2" },
		{ plan->ns.pidns_fd, STEP_SETNS_LATER, "pidns" },
		{ plan->process.block_fd, STEP_BLOCK_FD, NULL },
		{ plan->process.userns_block_fd, STEP_BLOCK_FD, NULL },
		{ plan->report.info_fd, STEP_INFO_FD, NULL },
		{ plan->report.json_status_fd, STEP_INFO_FD, NULL },
		{ plan->seccomp_fd, STEP_SECCOMP_READ, NULL },
		{ plan->net.log_fd, STEP_FDS, NULL },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(single); i++)
		r = consume(single[i].fd, single[i].step, single[i].subject, err);
	for (size_t i = 0; r == 0 && i < plan->seccomp_fds.len; i++)
		r = consume(VEC_AT(&plan->seccomp_fds, int, i), STEP_SECCOMP_READ, NULL, err);
	return r;
}

static int consume_ops(const struct plan *plan, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->ops.len; i++) {
		const struct op *op = plan_op(plan, i);

		r = op->kind == OP_BIND_FD ? consume(op->fd, STEP_SOURCE_FD, NULL, err)
		                           : consume(op->fd, STEP_READ_DATA, op->dst, err);
	}
	return r;
}

int fds_prepare(const struct plan *plan, struct err *err)
{
	int r = 0;

	if (plan->personality == PERSONALITY_NATIVE) {
		r = range(3, ~0U, CLOSE_RANGE_CLOEXEC);
		if (r < 0)
			return err_step(err, STEP_FDS, -r, NULL, NULL);
		for (size_t i = 0; r == 0 && i < plan->keep_fds.len; i++)
			r = set_cloexec(VEC_AT(&plan->keep_fds, int, i), false, err);
	}
	if (r == 0)
		r = consume_single(plan, err);
	if (r == 0)
		r = consume_ops(plan, err);
	/* with --as-pid-1 there is nobody else to hold it: bwrap lets the payload have it */
	if (r == 0 && plan->process.sync_fd >= 0)
		r = set_cloexec(plan->process.sync_fd, !plan->process.as_pid_1, err);
	return r;
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int fds_close_others(int *keep, size_t n)
{
	unsigned int next = 3;
	int r = 0;

	qsort(keep, n, sizeof(*keep), compare_fds);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (keep[i] < (int)next)
			continue;
		if (keep[i] > (int)next)
			r = range(next, (unsigned int)keep[i] - 1, 0);
		next = (unsigned int)keep[i] + 1;
	}
	return r < 0 ? r : range(next, ~0U, 0);
}

long fds_info(int fd, const char *key)
{
	size_t len = strlen(key);
	char path[48];
	char line[128];
	long number = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (number < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, key, len) == 0 && sscanf(line + len, "%ld", &number) != 1)
			number = -1;
	fclose(file);
	return number;
}

int fds_read_all(int fd, char **ret, size_t *ret_len)
{
	cleanup_fd int owned = fd;
	cleanup_free char *data = NULL;
	size_t room = 0;
	size_t len = 0;

	for (;;) {
		ssize_t n;

		if (room - len < 2) {
			char *more = realloc(data, room ? room * 2 : 4096);

			if (!more)
				return -ENOMEM;
			data = more;
			room = room ? room * 2 : 4096;
		}
		n = read(owned, data + len, room - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	data[len] = '\0';
	*ret_len = len;
	*ret = steal_ptr(&data);
	return 0;
}
