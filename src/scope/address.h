/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus addresses (D-Bus Specification, "Server Addresses"). */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The socket that the first address of a list names, and in *rest what is behind it, NULL when
 * nothing is. Returns the length of the socket's address, 0 for an address that is neither
 * unix:path= nor unix:abstract=. */
socklen_t address_parse(const char *list, struct sockaddr_un *ret, const char **rest);

/* "unix:path=DIR/NAME", escaped, into buf. What does not fit is cut. */
void address_format(char *buf, size_t size, const char *dir, const char *name);
