/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/fdpass.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char buf[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
	struct cmsghdr header;
};

int fdpass_send(int sock, const struct fdpass *message)
{
	union control control;
	struct iovec iov = { message->data, message->size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (message->n_fds > FDPASS_MAX)
		return -E2BIG;
	if (message->n_fds > 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(message->n_fds * sizeof(int));
		memset(control.buf, 0, msg.msg_controllen);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(message->n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), message->fds, message->n_fds * sizeof(int));
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
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

/* All descriptors of a message come in one control message. Rounded up to what those are aligned
 * to, the room may hold one descriptor more than was asked for. */
static size_t take(struct msghdr *msg, struct fdpass *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t count;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (i < message->n_fds)
			message->fds[i] = fd;
		else
			close(fd);
	}
	return count;
}

ssize_t fdpass_receive(int sock, int flags, struct fdpass *message)
{
	union control control;
	struct iovec iov = { message->data, message->size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_SPACE(message->n_fds * sizeof(int)),
	};
	ssize_t n;
	size_t came;

	if (message->n_fds > FDPASS_MAX)
		return -E2BIG;
	n = receive(sock, &msg, flags);
	came = n > 0 ? take(&msg, message) : 0;
	if (came <= message->n_fds && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		message->n_fds = came;
		return n;
	}
	for (size_t i = 0; i < came && i < message->n_fds; i++)
		close(message->fds[i]);
	message->n_fds = 0;
	return -EMSGSIZE;
}
