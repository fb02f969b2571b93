/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What travels before the packed error, if any. */
struct wire {
	uint32_t kind;
	int32_t wait_status;
	uint32_t last;
};

int sync_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? -errno : 0;
}

/* write(2), not send(2): the one call that a caller's seccomp filter surely allows. A monitor that
 * is gone gives SIGPIPE where it is not ignored: the sandbox is to die then anyway. */
static int send_bytes(int sock, const void *data, size_t len)
{
	ssize_t n;

	do {
		n = write(sock, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int sync_send_go(int sock)
{
	struct wire wire = { .kind = SYNC_GO };

	return send(sock, &wire, sizeof(wire), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int sync_send_failed(int sock, const struct err *err)
{
	char buf[sizeof(struct wire) + ERR_PACKED_MAX];
	struct wire wire = { .kind = SYNC_FAILED };

	memcpy(buf, &wire, sizeof(wire));
	return send_bytes(sock, buf, sizeof(wire) + err_pack(err, buf + sizeof(wire)));
}

/* Sends kind with n descriptors. */
static int send_fds(int sock, enum sync_kind kind, const int *fds, size_t n)
{
	struct wire wire = { .kind = kind };
	struct iovec iov = { &wire, sizeof(wire) };
	union {
		char buf[CMSG_SPACE(SYNC_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > 0) {
		struct cmsghdr *cmsg = &control.align;

		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int sync_send_started(int sock, int pidfd)
{
	return send_fds(sock, SYNC_STARTED, &pidfd, pidfd >= 0 ? 1 : 0);
}

int sync_send_cgroup(int sock, const int fds[SYNC_FDS])
{
	return send_fds(sock, SYNC_CGROUP, fds, SYNC_FDS);
}

int sync_send_netns(int sock, int fd)
{
	return send_fds(sock, SYNC_NETNS, &fd, fd >= 0 ? 1 : 0);
}

int sync_send_stopped(int sock, int wait_status)
{
	struct wire wire = { .kind = SYNC_STOPPED, .wait_status = wait_status };

	return send_bytes(sock, &wire, sizeof(wire));
}

int sync_send_exit(int sock, int wait_status, bool last)
{
	struct wire wire = { .kind = SYNC_EXIT, .wait_status = wait_status, .last = last };

	return send_bytes(sock, &wire, sizeof(wire));
}

/* There is room for one control message. */
static void take_fds(struct msghdr *msg, int fds[SYNC_FDS])
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	for (size_t i = 0; i < SYNC_FDS; i++)
		fds[i] = -1;
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len <= CMSG_LEN(SYNC_FDS * sizeof(int)))
		memcpy(fds, CMSG_DATA(cmsg), cmsg->cmsg_len - CMSG_LEN(0));
}

/* That the other side went with something of ours unread (ECONNRESET) is told once, and before what
 * it had said. */
static ssize_t receive(int sock, struct msghdr *msg, int flags)
{
	bool reset = false;
	ssize_t n;

	for (;;) {
		n = recvmsg(sock, msg, flags | MSG_CMSG_CLOEXEC);
		if (n >= 0 || (errno != EINTR && (errno != ECONNRESET || reset)))
			break;
		reset = errno == ECONNRESET;
	}
	return n >= 0 ? n : errno == ECONNRESET ? 0 : -errno;
}

ssize_t sync_receive_text(int sock, char *buf, size_t size)
{
	struct iovec iov = { buf, size - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = receive(sock, &msg, 0);

	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int sync_receive(int sock, bool dont_wait, struct sync_message *ret)
{
	char buf[sizeof(struct wire) + ERR_PACKED_MAX];
	struct wire wire;
	struct iovec iov = { buf, sizeof(buf) };
	union {
		char buf[CMSG_SPACE(SYNC_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	n = receive(sock, &msg, dont_wait ? MSG_DONTWAIT : 0);
	if (n <= 0)
		return (int)n;
	take_fds(&msg, ret->fds);
	ret->fd = ret->fds[0];
	if ((size_t)n < sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, buf, sizeof(wire));
	ret->kind = wire.kind;
	ret->wait_status = wire.wait_status;
	ret->last = wire.last;
	if (wire.kind < SYNC_GO || wire.kind > SYNC_NETNS)
		return -EBADMSG;
	if (wire.kind == SYNC_FAILED &&
	    err_unpack(&ret->err, buf + sizeof(wire), (size_t)n - sizeof(wire)) < 0)
		return -EBADMSG;
	return 1;
}
