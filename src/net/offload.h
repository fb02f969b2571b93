/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header that the device has in front of each frame (linux/virtio_net.h). Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "net/packet.h"

/* A frame ready for writev(): the header, and the frame around a checksum that is left open. */
struct offload_out {
	uint8_t head[VNET_LEN];
	uint8_t sum[2];
	int count;
	struct iovec iov[4];
};

/* Finishes the checksum of a frame (len bytes with the header) if its sender has left it open. A
 * header that makes no sense is passed over: the filter, or the checksum, drops the frame then. */
void offload_in(uint8_t *data, size_t len);

/* Prepares a frame of ours: TCP's checksum need not be looked at again, and TCP that is longer than
 * the MTU is cut by the receiver. Points into frame. */
void offload_out(struct offload_out *out, unsigned int mtu, const uint8_t *frame, size_t len);
