/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a connection is, for the parts of tcp.h. */
#pragma once

#include <sys/queue.h>

#include "net/engine.h"
#include "net/ring.h"

enum {
	TCP_WINDOW = 256 * 1024, /* bytes of a connection that may wait, each way */
	TCP_SCALE = 4,           /* of our window, so that it fits */
	TCP_CONNS_MAX = 4096,
	TCP_BUCKETS = 1024,
	TCP_RANGES = 16, /* of what came too early */
};

enum tcp_stage {
	TCP_DIALING,  /* the host's socket connects; the sandbox's SYN waits */
	TCP_ANSWERED, /* it has our SYN with ACK */
	TCP_CALLING,  /* it has our SYN (a published port) */
	TCP_OPEN,
};

struct tcp_range {
	uint32_t from;
	uint32_t to;
};

struct tcp_conn {
	struct source source; /* the host's socket; first, so that a source is its connection */
	LIST_ENTRY(tcp_conn) by_path;
	TAILQ_ENTRY(tcp_conn) timed; /* when deadline is set */
	TAILQ_ENTRY(tcp_conn) due;   /* when ack_due is set */
	struct tcp *tcp;
	enum tcp_stage stage;
	struct net_addr guest;
	struct net_addr peer; /* as the sandbox knows it */
	uint16_t guest_port;
	uint16_t peer_port;
	/* to the sandbox: [snd_una, snd_una + to_guest.used) is in to_guest, a FIN comes after it
	 */
	struct ring to_guest;
	uint32_t snd_una;
	uint32_t snd_nxt;
	uint32_t snd_max; /* the highest that snd_nxt ever was */
	uint32_t snd_wnd;
	uint32_t snd_top; /* the widest that snd_wnd was */
	uint32_t recover; /* no repeating on acknowledgements before this one */
	uint8_t snd_scale;
	uint16_t mss;
	unsigned int dups;
	unsigned int tries;
	int64_t deadline; /* ms, 0 for none */
	bool host_eof;
	bool fin_acked;
	/* from the sandbox: what the host's socket did not take */
	struct ring to_host;
	uint32_t rcv_nxt;
	uint32_t rcv_edge; /* the end of the window that it knows of */
	struct tcp_range early[TCP_RANGES];
	unsigned int early_count;
	uint8_t rcv_scale;
	bool ack_due;
	bool guest_fin;
	bool host_told; /* of that FIN */
	/* of the host's socket, whose events come only once */
	bool readable;
	bool writable;
	bool more; /* a short read may not have been all: urgent data, or the end */
};
