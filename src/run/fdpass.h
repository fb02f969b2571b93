/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages with descriptors, over unix sockets that keep the bounds of messages (unix(7),
 * SCM_RIGHTS). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum { FDPASS_MAX = 250 }; /* descriptors in one message; Linux takes 253 */

struct fdpass {
	void *data;
	size_t size; /* bytes; to receive: the room for them */
	int *fds;
	size_t n_fds; /* to receive: the room, and then how many came, close-on-exec, the caller's
	               */
};

/* Returns 0 or -errno; never SIGPIPE. */
int fdpass_send(int sock, const struct fdpass *message);

/* Takes one message; flags are recvmsg(2)'s. Returns its length, 0 when the other side is gone, or
 * -errno. -EMSGSIZE is one that has more than there is room for; nothing of it is kept. */
ssize_t fdpass_receive(int sock, int flags, struct fdpass *message);
