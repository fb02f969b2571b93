/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a cgroup in which the payload has made as many as it liked, deep and wide. Directories
 * stand in for cgroups: what removes them is the same, and there is nobody in them to be killed. */
#include "run/cgroup.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than a process may have descriptors, and more than fits into a path. */
enum { DEPTH = 3000, WIDTH = 300, DESCRIPTORS = 64 };

static void make_deep(int top)
{
	int at = dup(top);

	for (int i = 0; i < DEPTH; i++) {
		int next;

		g_assert_cmpint(mkdirat(at, "d", 0755), ==, 0);
		g_assert_cmpint(mkdirat(at, "a", 0755), ==, 0);
		next = openat(at, "d", O_PATH | O_DIRECTORY);
		g_assert_cmpint(next, >=, 0);
		close(at);
		at = next;
	}
	close(at);
}

static void make_wide(int top)
{
	for (int i = 0; i < WIDTH; i++) {
		char name[32];

		g_snprintf(name, sizeof(name), "w%d", i);
		g_assert_cmpint(mkdirat(top, name, 0755), ==, 0);
		g_snprintf(name, sizeof(name), "w%d/below", i);
		g_assert_cmpint(mkdirat(top, name, 0755), ==, 0);
	}
}

static void begin(struct cgroup *cgroup, char *parent)
{
	*cgroup = CGROUP_NONE_OPEN;
	g_assert_nonnull(g_mkdtemp(parent));
	cgroup->ours = true;
	cgroup->path = g_strdup_printf("%s/sbx-x", parent);
	g_assert_cmpint(g_mkdir(cgroup->path, 0755), ==, 0);
	cgroup->base_fd = open(cgroup->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(cgroup->base_fd, >=, 0);
}

static void end(struct cgroup *cgroup, const char *parent)
{
	g_assert_cmpint(g_rmdir(parent), ==, 0);
	close(cgroup->base_fd);
	g_free(cgroup->path);
}

static void test_deep(void)
{
	char parent[] = "/tmp/sbx-test-cgroup-end.XXXXXX";
	struct rlimit few = { DESCRIPTORS, DESCRIPTORS };
	struct rlimit before;
	struct cgroup cgroup;

	begin(&cgroup, parent);
	make_deep(cgroup.base_fd);
	make_wide(cgroup.base_fd);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	few.rlim_max = before.rlim_max;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
	g_assert_cmpint(cgroup_destroy(&cgroup), ==, 0);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	end(&cgroup, parent);
}

/* One that cannot be removed, as if there were still somebody in it: no hang, and all else goes. */
static void test_busy(void)
{
	char parent[] = "/tmp/sbx-test-cgroup-end.XXXXXX";
	struct cgroup cgroup;
	char *file;

	begin(&cgroup, parent);
	file = g_strdup_printf("%s/d/d/busy", cgroup.path);
	g_assert_cmpint(mkdirat(cgroup.base_fd, "d", 0755), ==, 0);
	g_assert_cmpint(mkdirat(cgroup.base_fd, "d/d", 0755), ==, 0);
	g_assert_cmpint(mkdirat(cgroup.base_fd, "d/e", 0755), ==, 0);
	g_assert_true(g_file_set_contents(file, "", 0, NULL));
	g_assert_cmpint(cgroup_destroy(&cgroup), <, 0);
	g_assert_cmpint(g_unlink(file), ==, 0);
	g_assert_cmpint(cgroup_destroy(&cgroup), ==, 0);
	end(&cgroup, parent);
	g_free(file);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cgroup-end/deep", test_deep);
	g_test_add_func("/cgroup-end/busy", test_busy);
	return g_test_run();
}
