/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libslirp, for what an IP network is before anything is sent on it: ARP, neighbour discovery,
 * router advertisements, DHCP (as slirp4netns) and the gateway's answers to pings. The filter lets
 * nothing else through to it, so it never opens a socket.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct engine;
struct err;
struct stack;

/* 0 or -errno; freed by stack_free(), which takes NULL. */
int stack_new(struct engine *engine, struct stack **ret, struct err *err);
void stack_free(struct stack *stack);

/* A frame of FRAME_STACK from the sandbox. */
void stack_input(struct stack *stack, const uint8_t *frame, size_t len);
