/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an IP network is before anything is sent on it, of which a program is linked with one of
 * two: stack-own.c knows ARP, neighbour discovery and pings of the gateway (gateway.c), which is
 * all that sbx needs; stack-slirp.c is libslirp, which knows router advertisements and DHCP, too,
 * for those who call slirp4netns. The filter lets nothing else through, so neither ever opens a
 * socket.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct engine;
struct err;
struct frame;
struct stack;

/* 0 or -errno; freed by stack_free(), which takes NULL. */
int stack_new(struct engine *engine, struct stack **ret, struct err *err);
void stack_free(struct stack *stack);

/* A frame of FRAME_STACK from the sandbox, len bytes of a buffer that holds PACKET_MAX; it is not
 * the caller's to read any more. */
void stack_input(struct engine *engine, struct frame *frame, uint8_t *data, size_t len);
