/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/fdpass.h"

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

int sync_send_failed(int sock, const struct err *err)
{
	char buf[sizeof(struct wire) + ERR_PACKED_MAX];
	struct wire wire = { .kind = SYNC_FAILED };

	memcpy(buf, &wire, sizeof(wire));
	return send_bytes(sock, buf, sizeof(wire) + err_pack(err, buf + sizeof(wire)));
}

/* Sends kind with n descriptors; a negative one is none. */
static int send_fds(int sock, enum sync_kind kind, const int *fds, size_t n)
{
	struct wire wire = { .kind = kind };
	int copy[SYNC_FDS];
	struct fdpass message = { &wire, sizeof(wire), copy, 0 };

	for (size_t i = 0; i < n && fds[i] >= 0; i++)
		copy[message.n_fds++] = fds[i];
	return fdpass_send(sock, &message);
}

int sync_send_go(int sock)
{
	return send_fds(sock, SYNC_GO, NULL, 0);
}

int sync_send_started(int sock, int pidfd)
{
	return send_fds(sock, SYNC_STARTED, &pidfd, 1);
}

int sync_send_cgroup(int sock, const int fds[SYNC_FDS])
{
	return send_fds(sock, SYNC_CGROUP, fds, SYNC_FDS);
}

int sync_send_netns(int sock, int netns_fd)
{
	return send_fds(sock, SYNC_NETNS, &netns_fd, 1);
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

ssize_t sync_receive_text(int sock, char *buf, size_t size)
{
	struct fdpass message = { .data = buf, .size = size - 1 };
	ssize_t n = fdpass_receive(sock, 0, &message);

	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int sync_receive(int sock, bool dont_wait, struct sync_message *ret)
{
	char buf[sizeof(struct wire) + ERR_PACKED_MAX];
	struct wire wire;
	struct fdpass message = { buf, sizeof(buf), ret->fds, SYNC_FDS };
	ssize_t n;

	for (size_t i = 0; i < SYNC_FDS; i++)
		ret->fds[i] = -1;
	n = fdpass_receive(sock, dont_wait ? MSG_DONTWAIT : 0, &message);
	ret->fd = ret->fds[0];
	if (n <= 0)
		return (int)n;
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
