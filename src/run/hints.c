/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/hints.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "core/cleanup.h"

static int first_byte(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c;

	return fd >= 0 && read(fd, &c, 1) == 1 ? c : -1;
}

static bool apparmor_restricts(void)
{
	return first_byte("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == '1';
}

static bool debian_forbids(void)
{
	return first_byte("/proc/sys/kernel/unprivileged_userns_clone") == '0';
}

static bool limit_is_zero(void)
{
	return first_byte("/proc/sys/user/max_user_namespaces") == '0';
}

static bool is_root_inside(void)
{
	return geteuid() == 0;
}

static bool runs_as_root(void)
{
	return getuid() == 0;
}

static const struct hint {
	enum step step; /* STEP_NONE: whatever the step */
	int num;        /* 0: whatever the reason */
	bool (*applies)(void);
	const char *text;
} hints[] = {
	{ STEP_OPTION, 0, NULL,
	  "sbx --help prints every option; those of bubblewrap take values as words of their own" },
	{ STEP_CLONE_EPERM, 0, debian_forbids,
	  "an administrator can allow it: sysctl kernel.unprivileged_userns_clone=1" },
	{ STEP_CLONE_EPERM, 0, apparmor_restricts,
	  "AppArmor restricts user namespaces here: install the profile that comes with sbx, or sysctl kernel.apparmor_restrict_unprivileged_userns=0" },
	{ STEP_CLONE_EPERM, 0, NULL,
	  "user namespaces are not allowed here: a container's seccomp profile or a chroot can be the reason" },
	{ STEP_CLONE_ENOSPC, 0, limit_is_zero,
	  "an administrator can raise the limit: sysctl user.max_user_namespaces=10000" },
	{ STEP_CLONE_ENOSPC, 0, NULL,
	  "too many namespaces, or nested too deeply: see /proc/sys/user/max_*_namespaces" },
	{ STEP_SETGROUPS, EACCES, apparmor_restricts,
	  "AppArmor restricts user namespaces here: install the profile that comes with sbx, or sysctl kernel.apparmor_restrict_unprivileged_userns=0" },
	{ STEP_UID_MAP, ENOENT, NULL,
	  "there is no /proc here, which is needed: --proc /proc brings one into a sandbox" },
	{ STEP_UID_MAP, EROFS, NULL,
	  "/proc is read-only here: a sandbox started with --proc /proc has one that can be written" },
	{ STEP_UID_MAP, EACCES, apparmor_restricts,
	  "AppArmor restricts user namespaces here: install the profile that comes with sbx, or sysctl kernel.apparmor_restrict_unprivileged_userns=0" },
	{ STEP_UID_MAP, EACCES, NULL,
	  "the file of sbx has to be readable for you, not only executable: the kernel does not let a process that runs one write its maps" },
	{ STEP_UID_MAP, EPERM, apparmor_restricts,
	  "AppArmor restricts user namespaces here: install the profile that comes with sbx, or sysctl kernel.apparmor_restrict_unprivileged_userns=0" },
	{ STEP_UID_MAP, EPERM, is_root_inside,
	  "root of a sandbox may be mapped again only with CAP_SETFCAP: start the outer sbx with --keep-id or --cap-add CAP_SETFCAP" },
	{ STEP_UID_MAP, EPERM, runs_as_root,
	  "root without CAP_SETFCAP may not map root again (Linux 5.12): start the outer sandbox with --keep-id or --cap-add CAP_SETFCAP" },
	{ STEP_LOOPBACK, EPERM, apparmor_restricts,
	  "AppArmor restricts user namespaces here: install the profile that comes with sbx, or sysctl kernel.apparmor_restrict_unprivileged_userns=0" },
	{ STEP_PROC, EPERM, NULL,
	  "inside a container with a masked /proc no new one may be mounted: leave the pid namespace out, or start the container with an unmasked /proc" },
	{ STEP_ROOT, EPERM, NULL,
	  "a seccomp filter or Landlock forbids mounts here: inside sbx, start the outer one with --seccomp-profile nested, and without --landlock" },
	{ STEP_SLAVE, EACCES, NULL, "a container's security profile forbids mounts here" },
	{ STEP_SLAVE, EPERM, NULL, "a container's security profile forbids mounts here" },
	{ STEP_UNSHARE, EPERM, NULL,
	  "a container's seccomp filter can refuse unshare(2), which --keep-id, --uid, --gid, --disable-userns and --unshare-time need" },
	{ STEP_SOURCE, ENOENT, NULL,
	  "a -try option, as --ro-bind-try, skips a source that is missing" },
	{ STEP_SOURCE, EACCES, NULL,
	  "the source, or a directory on the way to it, is not readable for you" },
	{ STEP_BIND, ENOSPC, NULL, "the limit of mounts is reached: see /proc/sys/fs/mount-max" },
	{ STEP_MKFILE, EROFS, NULL,
	  "the place lies in a read-only bind: make the mount point first, or bind its directory writable" },
	{ STEP_MKDIR, EROFS, NULL,
	  "the place lies in a read-only bind: make the mount point first, or bind its directory writable" },
	{ STEP_PTY, 0, NULL,
	  "--no-pty hands the command the caller's terminal; --new-session leaves it without one to control" },
	{ STEP_PARENTS, EROFS, NULL,
	  "the place lies in a read-only bind: make the mount point first, or bind its directory writable" },
	{ STEP_EXEC, ENOENT, NULL,
	  "it is not in the sandbox (--ro-bind /usr /usr brings the host's programs), or its #! interpreter or loader is not (is /lib64 there?)" },
	{ STEP_EXEC, EACCES, NULL, "it is no executable file, or lies on a noexec mount" },
	{ STEP_CHDIR, ENOENT, NULL, "the directory is looked up inside the sandbox" },
	{ STEP_NOT_A_MOUNT, 0, NULL,
	  "only a place that something is mounted on can be made read-only" },
	{ STEP_HOSTNAME, EINVAL, NULL, "a host name has at most 64 bytes" },
	{ STEP_NONE, EBADF, NULL,
	  "the descriptor is not open, or not for this: whoever starts sbx has to open it (in a shell: 9<FILE)" },
	{ STEP_NONE, EMFILE, NULL, "the limit of open files is too low: see ulimit -n" },
	{ STEP_NONE, ENFILE, NULL,
	  "the whole machine has no file handle left: see /proc/sys/fs/file-nr" },
	{ STEP_DEST_SYMLINK, 0, NULL, "--dest-symlinks=follow follows it inside the sandbox" },
};

const char *hint_find(const struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		if ((hints[i].step == err->step || hints[i].step == STEP_NONE) &&
		    (hints[i].num == 0 || hints[i].num == err->num) &&
		    (!hints[i].applies || hints[i].applies()))
			return hints[i].text;
	return NULL;
}
