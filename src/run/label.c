/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/label.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/plan.h"
#include "run/run.h"

static int set_label(const struct run *run, const char *attr, const char *label, struct err *err)
{
	cleanup_fd int fd = -1;

	if (!label)
		return 0;
	fd = openat(run->proc_fd, attr, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, label, strlen(label)) < 0)
		return err_step(err, STEP_LABEL, errno, label, NULL);
	return 0;
}

int label_files(const struct run *run, struct err *err)
{
	return set_label(run, "thread-self/attr/fscreate", run->plan->process.file_label, err);
}

int label_exec(const struct run *run, struct err *err)
{
	return set_label(run, "thread-self/attr/exec", run->plan->process.exec_label, err);
}
