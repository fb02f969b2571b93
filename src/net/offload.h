/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header that the device has in front of each frame (linux/virtio_net.h). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/packet.h"

/* Finishes the checksum of a frame (len bytes with the header) if its sender has left it open;
 * TCP's is not looked at, as nothing could have happened to it on the way: true when that is so. A
 * header that makes no sense is passed over: the filter, or the checksum, drops the frame then. */
bool offload_in(uint8_t *data, size_t len);
