/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "net/bpf-net.h"
#include "run/idmap.h"

enum { FILES_MAX = 65536 };

int isolate_begin(void)
{
	int fd;

	signal(SIGPIPE, SIG_IGN);
	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	return fd < 0 ? -errno : 0;
}

int isolate_limits(struct err *err)
{
	struct rlimit nofile;
	struct rlimit core = { 0, 0 };

	if (getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return err_text(err, errno, "network helper: read the descriptor limit");
	if (nofile.rlim_max > FILES_MAX)
		nofile.rlim_max = FILES_MAX;
	nofile.rlim_cur = nofile.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &nofile) < 0 || setrlimit(RLIMIT_CORE, &core) < 0)
		return err_text(err, errno, "network helper: set limits");
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_text(err, errno, "network helper: prctl");
	return 0;
}

static int map_ids(uid_t uid, gid_t gid)
{
	int r;

	/* PR_SET_DUMPABLE 0 makes the maps root's: see proc(5) */
	prctl(PR_SET_DUMPABLE, 1);
	r = idmap_become_root(uid, gid);
	prctl(PR_SET_DUMPABLE, 0);
	return r;
}

static int empty_root(void)
{
	/* any directory will do to mount on, and this one is everywhere */
	const char *on = "/proc";

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", on, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
	          "mode=0,size=4k,nr_inodes=2") < 0 ||
	    chdir(on) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	if (mount(NULL, "/", NULL,
	          MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return -errno;
	return 0;
}

static int drop_caps(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	/* until the kernel knows no more of them */
	for (int cap = 0; prctl(PR_CAPBSET_DROP, cap) == 0;)
		cap++;
	if (errno != EINVAL)
		return -errno;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int isolate_namespaces(bool new_user, struct err *err)
{
	int flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | (new_user ? CLONE_NEWUSER : 0);
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r;

	if (unshare(flags) < 0)
		return err_text(err, errno, "network helper: create its namespaces");
	r = new_user ? map_ids(uid, gid) : 0;
	if (r < 0)
		return err_text(err, -r, "network helper: map its ids");
	r = empty_root();
	if (r < 0)
		return err_text(err, -r, "network helper: make an empty root");
	r = drop_caps();
	if (r < 0)
		return err_text(err, -r, "network helper: drop capabilities");
	return 0;
}

int isolate_seccomp(struct err *err)
{
	struct sock_fprog prog = { ARRAY_LEN(bpf_net), (struct sock_filter *)(uintptr_t)bpf_net };
	/* the threads of the fast path are there already */
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);

	if (r != 0) /* or it is the thread that could not be filtered */
		return err_text(err, r < 0 ? errno : ESRCH,
		                "network helper: load its seccomp filter");
	return 0;
}
