/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of what was denied: one JSON object per line on a descriptor, at most so many a second.
 * A reader that does not keep up loses lines, never the sandbox its time; what was left out is
 * counted in the next line ("suppressed"). May be called from several threads.
 */
#pragma once

#include <stdint.h>

#include "core/net-rule.h"

struct netlog;

/* Takes fd over. NULL: no memory. Every function takes a NULL log and does nothing. */
struct netlog *netlog_new(int fd);
void netlog_free(struct netlog *log);

/* A connection, datagram or echo to addr:port was denied by why (policy_verdict_word()). */
void netlog_denied(struct netlog *log, enum net_proto proto, const struct net_addr *addr,
                   uint16_t port, const char *why);

/* A look-up of name was refused; addr (may be NULL) is the answer that was the reason. */
void netlog_name(struct netlog *log, const char *name, const struct net_addr *addr,
                 const char *why);

/* A frame was dropped by the filter. */
void netlog_frame(struct netlog *log, const char *why);
