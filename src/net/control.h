/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The conversation with the starter, over an inherited SOCK_SEQPACKET descriptor:
 *
 *	starter -> helper   "config\n" and lines of net/config.h, with descriptors; as many such
 *	                    messages as it takes, the last of which ends with the line "end"
 *	starter -> helper   "tap\n", with the tap's descriptor [and the fast path's listeners]
 *	helper -> starter   "ready\n", or "error NUM TEXT\n" at any time before
 *
 * The end of the conversation is the end of the helper.
 */
#pragma once

struct engine;
struct err;
struct net_config;

/* Reads the configuration: 0 or -errno. */
int control_read_config(int fd, struct net_config *config, struct err *err);

/* Waits for the tap: at most max descriptors into fds; the number, or -errno. */
int control_read_tap(int fd, int *fds, int max, struct err *err);

/* Says that all is well: 0 or -errno. */
int control_ready(int fd, struct err *err);

/* Says what went wrong; nobody is left to tell if that fails. */
void control_error(int fd, const struct err *err);
