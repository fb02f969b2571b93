/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/err.h"

int engine_watch(struct engine *engine, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(engine->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

void engine_unwatch(struct engine *engine, struct source *source)
{
	if (source->fd > 0)
		epoll_ctl(engine->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	for (int i = 0; i < engine->events_count; i++) {
		if (engine->events[i].data.ptr == source)
			engine->events[i].data.ptr = NULL;
	}
}

static void tap_ready(struct engine *engine, struct source *source, uint32_t events)
{
	(void)source, (void)events;
	engine->tap_ready = true;
}

int engine_attach(struct engine *engine, int tap, struct err *err)
{
	engine->tap = tap;
	engine->tap_source = (struct source){ .fd = tap, .ready = tap_ready };
	if (fcntl(tap, F_SETFL, O_NONBLOCK) < 0 ||
	    engine_watch(engine, &engine->tap_source, EPOLLIN) < 0)
		return err_text(err, errno, "network helper: use the tap");
	return 0;
}

void engine_send(struct engine *engine, const uint8_t *frame, size_t len)
{
	static const uint8_t plain[VNET_LEN] = { 0 };
	struct iovec iov[2] = { { (void *)(uintptr_t)plain, VNET_LEN },
		                { (void *)(uintptr_t)frame, len } };

	/* a frame that finds no room is lost, as on any wire */
	(void)!writev(engine->tap, iov, 2);
}

static void put_fragment(void *data, const uint8_t *frame, size_t len)
{
	engine_send(data, frame, len);
}

void engine_send_packet(struct engine *engine, struct packet_path *path, uint8_t proto,
                        uint8_t *payload, size_t len)
{
	uint8_t *frame = payload - packet_head(path, proto);

	if (len > 65535 - IP4_LEN - UDP_LEN)
		return;
	path->dst_mac = engine->guest_mac;
	path->src_mac = engine->gateway_mac;
	path->id = (uint16_t)(path->id + 1);
	packet_fragment(frame, packet_seal(frame, path, proto, len), engine->link.mtu, put_fragment,
	                engine);
}

bool engine_is_resolver(const struct engine *engine, const struct net_addr *addr)
{
	return engine->dns && (net_addr_equal(addr, &engine->link.dns4) ||
	                       net_addr_equal(addr, &engine->link.dns6));
}

bool engine_to_host(const struct engine *engine, const struct net_addr *dst, struct net_addr *ret)
{
	*ret = *dst;
	if (net_addr_equal(dst, &engine->link.host4))
		net_addr_parse("127.0.0.1", ret);
	else if (engine->link.v6 && net_addr_equal(dst, &engine->link.host6))
		net_addr_parse("::1", ret);
	else
		return true;
	return engine->loopback;
}

void engine_from_host(const struct engine *engine, struct net_addr *addr)
{
	static const struct net_addr loop6 = { { [15] = 1 } };

	if (net_addr_is4(addr) && addr->b[12] == 127)
		*addr = engine->link.host4;
	else if (net_addr_equal(addr, &loop6))
		*addr = engine->link.host6;
}
