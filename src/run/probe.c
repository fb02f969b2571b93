/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/host.h"
#include "core/plan.h"
#include "run/caps.h"
#include "run/fds.h"
#include "run/probe-net.h"

/* The target of a link as malloc'd memory; NULL when it is none, or not for us to see. */
static int read_link(const char *path, char **ret, struct err *err)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	*ret = NULL;
	if (len < 0 && (errno == ENOENT || errno == EINVAL || errno == ENOTDIR || errno == EACCES))
		return 0;
	if (len >= 0)
		*ret = strndup(target, (size_t)len);
	return *ret ? 0 : err_text(err, errno, "look at '%s'", path);
}

/* What the skeleton copies from the host. */
static int probe_usr(struct host *host, struct err *err)
{
	int r = read_link("/etc/localtime", &host->localtime, err);

	for (size_t i = 0; r == 0 && i < HOST_USR_LINKS; i++)
		r = read_link(host_usr_names[i], &host->usr_links[i], err);
	return r;
}

/* Deleted, out of our sight, or without a name: then the payload starts elsewhere. */
static int probe_cwd(struct host *host, struct err *err)
{
	char cwd[PATH_MAX];

	/* too deep to be named is ENAMETOOLONG of the kernel, and of musl; glibc makes it ERANGE */
	if (!getcwd(cwd, sizeof(cwd)))
		return errno == ENOENT || errno == EACCES || errno == ERANGE ||
		                       errno == ENAMETOOLONG
		               ? 0
		               : err_text(err, errno, "look at the working directory");
	if (cwd[0] != '/')
		return 0;
	host->cwd = strdup(cwd);
	return host->cwd ? 0 : err_text(err, ENOMEM, "look at the working directory");
}

static bool file_says(const char *path, const char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data = NULL;
	size_t len = 0;
	bool same;

	if (fd < 0 || fds_read_all(fd, &data, &len) < 0)
		return false;
	same = strcmp(data, text) == 0;
	free(data);
	return same;
}

/* Only a file that is not there says that the kernel has none; anything else is found out by use.
 */
static bool has_file(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/* As bwrap decides for --unshare-user-try; for an ordinary user it makes no difference. */
static bool probe_userns(void)
{
	return has_file("/proc/self/ns/user") &&
	       !file_says("/sys/module/user_namespace/parameters/enable", "N\n") &&
	       !file_says("/proc/sys/user/max_user_namespaces", "0\n");
}

static uint64_t memory_total(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long page = sysconf(_SC_PAGESIZE);

	return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
}

/* The pid alone is used again before long; a scope of that name may still be going down then. */
static int make_instance(struct host *host)
{
	uint32_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number))
		return -errno;
	snprintf(host->instance, sizeof(host->instance), "%d-%08x", getpid(), number);
	return 0;
}

/* For "-try", a kernel with cgroups will do: all that we run on has the namespace then, and to look
 * at the one in /proc/self costs as much as ten other calls. */
static bool probe_cgroup_ns(const struct plan *plan)
{
	if (!plan->ns.cgroup && !plan->ns.cgroup_try)
		return true;
	if (!plan->ns.cgroup && has_file("/proc/cgroups"))
		return true;
	return has_file("/proc/self/ns/cgroup");
}

/* One that cannot be opened is none to share. */
static bool has_controlling_terminal(void)
{
	cleanup_fd int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0;
}

static int probe_terminal(struct host *host, const struct plan *plan, struct err *err)
{
	const struct plan_process *process = &plan->process;
	bool by_default = process->pty == PTY_AUTO && !process->new_session &&
	                  plan->personality == PERSONALITY_NATIVE;
	int r = by_default || process->pty == PTY_YES ? fds_is_terminal(STDIN_FILENO) : 0;

	host->stdin_is_tty = r > 0;
	host->has_no_tty = by_default && r == 0 && !has_controlling_terminal();
	return r < 0 ? err_text(err, -r, "look at standard input") : 0;
}

/* Where the caller is, and at what. */
static int probe_caller(struct host *host, const struct plan *plan, struct err *err)
{
	int r = probe_cwd(host, err);

	return r == 0 ? probe_terminal(host, plan, err) : r;
}

static int probe_for_skeleton(struct host *host, struct err *err)
{
	struct utsname uts;
	int r = probe_usr(host, err);

	if (r == 0 && uname(&uts) < 0)
		r = err_text(err, errno, "look at the host's name");
	if (r < 0)
		return r;
	memcpy(host->nodename, uts.nodename, sizeof(host->nodename));
	host->user = getenv("USER");
	host->home = getenv("HOME");
	return 0;
}

int probe_host(struct host *host, const struct plan *plan, struct err *err)
{
	int r;

	*host = (struct host){ .uid = getuid(), .gid = getgid(), .environ = environ };
	r = plan->personality == PERSONALITY_BWRAP ? caps_of_root(&host->caps) : 0;
	if (r < 0)
		return err_step(err, STEP_CAPS, -r, NULL, NULL);
	host->has_cgroup_ns = probe_cgroup_ns(plan);
	host->userns_usable = host->uid != 0 || !plan->ns.user_try || probe_userns();
	if (plan->process.exec_label || plan->process.file_label)
		host->has_selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
	r = probe_caller(host, plan, err);
	if (r < 0)
		return r;
	if (plan->net.mode == NET_MODE_USER)
		probe_net(&host->net);
	if (limits_need_cgroup(&plan->limits)) {
		host->memory_total = memory_total();
		if (make_instance(host) < 0)
			return err_text(err, errno, "make a name for the sandbox");
	}
	return plan->personality == PERSONALITY_NATIVE ? probe_for_skeleton(host, err) : 0;
}

void probe_fake(struct host *host, const struct plan *plan)
{
	static const char *const links[HOST_USR_LINKS] = { "usr/bin", "usr/sbin",  "usr/lib",
		                                           NULL,      "usr/lib64", NULL };
	static char *const env[] = { (char *)"TERM=xterm", (char *)"LANG=C.UTF-8", NULL };

	*host = (struct host){
		.uid = 1000,
		.gid = 1000,
		.userns_usable = true,
		.has_cgroup_ns = true,
		.stdin_is_tty = plan->process.pty == PTY_YES,
		.cwd = strdup("/home/user"),
		.localtime = strdup("/usr/share/zoneinfo/Etc/UTC"),
		.nodename = "host",
		.instance = "1-00000000",
		.memory_total = UINT64_C(8) << 30,
		.user = "user",
		.home = "/home/user",
		.environ = env,
		.net = { .v6_default = true, .unprivileged_port = 1024 },
	};
	for (size_t i = 0; i < HOST_USR_LINKS; i++)
		host->usr_links[i] = links[i] ? strdup(links[i]) : NULL;
}

void host_free(struct host *host)
{
	for (size_t i = 0; i < HOST_USR_LINKS; i++)
		free(host->usr_links[i]);
	free(host->localtime);
	free(host->cwd);
}
