/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/s4n-join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <linux/nsfs.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "net/s4n-args.h"
#include "run/fdpass.h"
#include "run/netdev.h"

/* What the child sends back, the descriptor beside it if err_len is 0. */
struct report {
	uint8_t mac[6];
	uint16_t err_len;
	char err[ERR_PACKED_MAX];
};

static bool same_ns(int fd, const char *path)
{
	struct stat a;
	struct stat b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int open_ns(const struct s4n_args *args, const char *kind, const char *path, struct err *err)
{
	char proc[64];
	int fd;

	if (!path) {
		snprintf(proc, sizeof(proc), "/proc/%.20s/ns/%s", args->target, kind);
		path = proc;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_text(err, errno, "open namespace '%s'", path) : fd;
}

/* The user namespace comes first: it gives the right to enter the other. */
static int join(const struct s4n_args *args, struct err *err)
{
	cleanup_fd int net = open_ns(args, "net", args->path ? args->target : NULL, err);
	cleanup_fd int user = -1;

	if (net < 0)
		return net;
	if (args->userns_path || !args->path)
		user = open_ns(args, "user", args->userns_path, err);
	else
		user = ioctl(net, NS_GET_USERNS);
	if (user < 0 && (args->userns_path || !args->path))
		return user;
	/* EPERM here may still be fine: with the rights already, the next one works */
	if (user >= 0 && !same_ns(user, "/proc/self/ns/user") && setns(user, CLONE_NEWUSER) < 0 &&
	    args->userns_path)
		return err_text(err, errno, "join the user namespace of '%s'", args->target);
	if (setns(net, CLONE_NEWNET) < 0)
		return err_text(err, errno, "join the network namespace of '%s'", args->target);
	return 0;
}

static int child_work(const struct s4n_args *args, struct netdev_conf *conf, int *ret_fd,
                      struct err *err)
{
	int r = join(args, err);

	if (r == 0)
		r = netdev_open_tap(conf, ret_fd, err);
	if (r == 0 && args->configure)
		r = netdev_configure(conf, err);
	return r;
}

static void child_main(const struct s4n_args *args, struct netdev_conf *conf, int sock)
{
	struct report report = { 0 };
	struct err err;
	int fd = -1;
	struct fdpass message = { &report, sizeof(report), &fd, 0 };

	if (child_work(args, conf, &fd, &err) < 0) {
		report.err_len = (uint16_t)err_pack(&err, report.err);
	} else {
		memcpy(report.mac, conf->mac, 6);
		message.n_fds = 1;
	}
	_exit(fdpass_send(sock, &message) < 0);
}

static int receive(int sock, struct netdev_conf *conf, int *ret_fd, struct err *err)
{
	struct report report;
	int fd = -1;
	struct fdpass message = { &report, sizeof(report), &fd, 1 };
	ssize_t n = fdpass_receive(sock, 0, &message);

	if (n != sizeof(report))
		return err_text(err, n < 0 ? (int)-n : EPROTO,
		                "make the tap in the target's namespace");
	if (report.err_len) {
		if (err_unpack(err, report.err, report.err_len) < 0)
			return err_text(err, EPROTO, "make the tap in the target's namespace");
		return err->num ? -err->num : -EINVAL;
	}
	if (fd < 0)
		return err_text(err, EPROTO, "make the tap in the target's namespace");
	memcpy(conf->mac, report.mac, 6);
	*ret_fd = fd;
	return 0;
}

int s4n_join_tap(const struct s4n_args *args, struct netdev_conf *conf, int *ret_fd,
                 struct err *err)
{
	int pair[2];
	pid_t pid;
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_text(err, errno, "make a socket pair");
	pid = fork();
	if (pid == 0)
		child_main(args, conf, pair[1]);
	close(pair[1]);
	r = pid < 0 ? err_text(err, errno, "start a process") : receive(pair[0], conf, ret_fd, err);
	close(pair[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return r;
}
