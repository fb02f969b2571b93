/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a user's systemd can be reached: D-Bus addresses (D-Bus Specification, "Server Addresses"),
 * and the order in which they are tried.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { BUS_ADDRESS_MAX = 512 };

/* The manager's own socket is nearer than the bus. It is asked first where the bus is this user's
 * usual one, as systemd-run does, and last where somebody has named another bus. */
struct bus_addresses {
	char direct[BUS_ADDRESS_MAX]; /* the manager's own socket */
	char bus[BUS_ADDRESS_MAX];    /* $DBUS_SESSION_BUS_ADDRESS, or the usual one */
	bool is_direct_first;
};

/* bus and dir are $DBUS_SESSION_BUS_ADDRESS and $XDG_RUNTIME_DIR, either may be NULL. What is too
 * long is cut, and then no address that anybody listens on. */
void bus_addresses_find(struct bus_addresses *ret, const char *bus, const char *dir,
                        unsigned int uid);

/* The socket that the first address of a list names, and in *rest what is behind it, NULL when
 * nothing is. Returns the length of the socket's address, 0 for an address that is neither
 * unix:path= nor unix:abstract=. */
socklen_t bus_address_parse(const char *list, struct sockaddr_un *ret, const char **rest);
