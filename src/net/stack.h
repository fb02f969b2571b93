/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libslirp: the sandbox's TCP, ARP and neighbour discovery. Datagrams do not come here (flow.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/parse-net.h"

struct engine;
struct err;
struct net_config;
struct stack;

/* Starts libslirp for the engine's network, after proving that its socket calls come to gate.c
 * (-ENOTSUP if they do not). */
int stack_new(struct engine *engine, const struct net_config *config, struct stack **ret,
              struct err *err);
void stack_free(struct stack *stack);

/* A frame from the sandbox that the filter has passed. */
void stack_input(struct stack *stack, const uint8_t *frame, size_t len);

/* One round: prepare() brings epoll up to date and lowers *timeout (ms, -1 for none); mark() takes
 * the events of a descriptor that prepare() added; process() lets libslirp work on them. */
void stack_prepare(struct stack *stack, int *timeout);
void stack_mark(struct stack *stack, int fd, uint32_t events);
void stack_process(struct stack *stack);

/* Connections to the TCP listener fd (owned from now on) go to port of the sandbox. */
int stack_publish(struct stack *stack, int listener, uint16_t guest_port, struct err *err);
int stack_unpublish(struct stack *stack, const struct net_addr *addr, uint16_t port);

/* The tag in epoll's data that tells libslirp's descriptors from sources (pointers are even). */
static inline uint64_t stack_tag(int fd)
{
	return (uint64_t)fd << 1 | 1;
}
