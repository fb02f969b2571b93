/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Published UDP ports: the part of flow.c that has host sockets bound by someone else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "core/parse-net.h"

struct engine;
struct err;
struct flows;
struct frame;
struct publisher;

LIST_HEAD(publishers, publisher);

int publishers_add(struct engine *engine, struct publishers *list, int fd, uint16_t guest_port,
                   struct err *err);
int publishers_remove(struct engine *engine, struct publishers *list, const struct net_addr *addr,
                      uint16_t port);
void publishers_free(struct engine *engine, struct publishers *list);

/* Sends a datagram of the sandbox from the published port it belongs to: false if it is no answer
 * to someone who wrote to one. dst is the destination as the host knows it. */
bool publishers_send(const struct publishers *list, const struct frame *frame,
                     const struct net_addr *dst);

/* Reads a batch of datagrams and hands each to deliver(), payload with PACKET_HEAD_MAX bytes of
 * room in front: how many, or -1 with errno. */
typedef void (*flows_deliver_fn)(struct engine *engine, const void *owner,
                                 const struct sockaddr_storage *sa, uint8_t *payload, size_t len);
int flows_receive(struct flows *flows, int fd, const void *owner, flows_deliver_fn deliver);
