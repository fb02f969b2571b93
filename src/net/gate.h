/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket calls that libslirp makes end here: the helper's executable defines socket(),
 * connect(), bind(), listen(), accept(), setsockopt() and close(), and the dynamic linker gives
 * these to the library. That is the one place where the final address of a connection is known.
 * Only TCP is left to libslirp; it gets no other sockets and no listeners but those offered to it.
 * Main thread only.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

struct net_addr;

enum { GATE_FD_MAX = 65536 }; /* descriptors from here on are refused */

struct gate_ops {
	/* As connect(2): 0, or -1 with errno. */
	int (*connect)(void *data, int fd, const struct sockaddr *addr, socklen_t len);
	/* The descriptor is about to be closed. */
	void (*closed)(void *data, int fd);
};

/* Installs the hooks; sockets_max bounds how many sockets libslirp may hold. */
void gate_install(const struct gate_ops *ops, void *data, size_t sockets_max);

/* The next socket() of libslirp returns this listening socket. */
void gate_offer_listener(int fd);

/* Connections (not listeners) that libslirp holds. */
size_t gate_connections(void);

/* Calls that came through since the start; for the check that they do. */
struct gate_calls {
	unsigned int socket;
	unsigned int connect;
	unsigned int bind;
	unsigned int listen;
	unsigned int close;
};
struct gate_calls gate_calls(void);

/* Between sockaddr and address. Port in host order. from: 0, or -EAFNOSUPPORT. to: the length. */
int gate_sockaddr_from(const struct sockaddr *sa, struct net_addr *ret, unsigned short *ret_port);
socklen_t gate_sockaddr_to(const struct net_addr *addr, unsigned short port,
                           struct sockaddr_storage *ret);
