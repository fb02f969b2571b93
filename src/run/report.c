/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/plan.h"
#include "run/namespace.h"

enum { REPORT_MAX = 1024 };

int report_is_wanted(const struct plan *plan)
{
	return plan->report.info_fd >= 0 || plan->report.json_status_fd >= 0;
}

static int write_once(int fd, const char *text, struct err *err)
{
	size_t len = strlen(text);
	char number[16];
	ssize_t n;

	do {
		n = write(fd, text, len);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return 0;
	snprintf(number, sizeof(number), "%d", fd);
	return err_step(err, STEP_INFO_FD, n < 0 ? errno : EIO, number, NULL);
}

static size_t format_info(char *text, pid_t pid, const uint64_t ids[NS_IDS])
{
	size_t len = (size_t)snprintf(text, REPORT_MAX, "{\n    \"child-pid\": %d", pid);

	for (size_t i = 0; i < NS_IDS; i++)
		if (ids[i])
			len += (size_t)snprintf(text + len, REPORT_MAX - len,
			                        ",\n    \"%s-namespace\": %llu", namespace_names[i],
			                        (unsigned long long)ids[i]);
	return len + (size_t)snprintf(text + len, REPORT_MAX - len, "\n}\n");
}

static size_t format_status(char *text, pid_t pid, const uint64_t ids[NS_IDS])
{
	size_t len = (size_t)snprintf(text, REPORT_MAX, "{ \"child-pid\": %d", pid);

	for (size_t i = 0; i < NS_IDS; i++)
		if (ids[i])
			len += (size_t)snprintf(text + len, REPORT_MAX - len,
			                        ", \"%s-namespace\": %llu", namespace_names[i],
			                        (unsigned long long)ids[i]);
	return len + (size_t)snprintf(text + len, REPORT_MAX - len, " }\n");
}

int report_start(const struct plan *plan, pid_t pid, struct err *err)
{
	char text[REPORT_MAX];
	uint64_t ids[NS_IDS];
	int r = namespace_ids(plan, pid, ids, err);

	if (r == 0 && plan->report.info_fd >= 0) {
		format_info(text, pid, ids);
		r = write_once(plan->report.info_fd, text, err);
		close(plan->report.info_fd);
	}
	if (r == 0 && plan->report.json_status_fd >= 0) {
		format_status(text, pid, ids);
		r = write_once(plan->report.json_status_fd, text, err);
	}
	return r;
}

void report_exit(const struct plan *plan, int status)
{
	struct err ignored;
	char text[64];

	if (plan->report.json_status_fd < 0)
		return;
	snprintf(text, sizeof(text), "{ \"exit-code\": %d }\n", status);
	(void)write_once(plan->report.json_status_fd, text, &ignored);
}
