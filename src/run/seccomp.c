/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/fds.h"

static int add_program(struct seccomp_programs *programs, void *data, size_t len)
{
	struct sock_fprog prog = {
		.len = (unsigned short)(len / sizeof(struct sock_filter)),
		.filter = data,
	};
	struct sock_fprog *items = reallocarray(programs->items, programs->n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	programs->items = items;
	items[programs->n++] = prog;
	return 0;
}

int seccomp_add(struct seccomp_programs *programs, char **data, size_t len, struct err *err)
{
	if (len % sizeof(struct sock_filter) != 0)
		return err_step(err, STEP_SECCOMP_SIZE, 0, NULL, NULL);
	if (len / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return err_step(err, STEP_SECCOMP_READ, E2BIG, NULL, NULL);
	if (add_program(programs, *data, len) < 0)
		return err_step(err, STEP_SECCOMP_READ, ENOMEM, NULL, NULL);
	*data = NULL;
	return 0;
}

static int read_program(int fd, struct seccomp_programs *programs, struct err *err)
{
	cleanup_free char *data = NULL;
	size_t len;
	int r = fds_read_all(fd, &data, &len);

	if (r < 0)
		return err_fd(err, STEP_SECCOMP_READ, -r, fd);
	return seccomp_add(programs, &data, len, err);
}

int seccomp_read_added(const struct plan *plan, struct seccomp_programs *programs, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->seccomp_fds.len; i++)
		r = read_program(VEC_AT(&plan->seccomp_fds, int, i), programs, err);
	return r;
}

int seccomp_read_last(const struct plan *plan, struct seccomp_programs *programs, struct err *err)
{
	return plan->seccomp_fd < 0 ? 0 : read_program(plan->seccomp_fd, programs, err);
}

static int load(const struct seccomp_programs *programs, size_t end, struct err *err)
{
	for (size_t i = programs->n_loaded; i < end; i++)
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &programs->items[i], 0, 0) < 0)
			return errno == EINVAL ? err_step(err, STEP_SECCOMP_INVALID, 0, NULL, NULL)
			                       : err_step(err, STEP_SECCOMP, errno, NULL, NULL);
	return 0;
}

int seccomp_apply_early(struct seccomp_programs *programs, struct err *err)
{
	int r = load(programs, programs->n_early, err);

	programs->n_loaded = programs->n_early;
	return r;
}

int seccomp_apply(const struct seccomp_programs *programs, struct err *err)
{
	return load(programs, programs->n, err);
}
