/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A relay is two sockets and a pipe for each direction. epoll is edge-triggered: the directions
 * that an event is about are pumped until they would block, or have had their share and the relay
 * goes to the end of the worker's queue. Nothing here is ever freed while a batch of events that
 * may name it is worked on.
 */
#include "net/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include "core/err.h"
#include "core/parse-net.h"
#include "net/log.h"
#include "net/policy.h"
#include "net/sockaddr.h"
#include "net/sys.h"

enum {
	WORKERS_MAX = 4,
	EVENTS_MAX = 64,
	PIPE_BYTES = 512 * 1024,
	PIPE_FULL = 16 * 1024, /* a pipe has 16 slots at first, and a small packet takes one */
	WIDE_MAX = 16, /* pipes of PIPE_BYTES a worker: all of a user's share 64 MiB, see pipe(7) */
	TURNS = 8,     /* pipes full that a relay may move before the others get theirs */
	ORIGINAL_DST = 80, /* SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST of netfilter's headers */
	ACCEPT_BATCH = 32,
	RELAYS_MAX = 4096, /* as over the device; a small machine's conntrack has 8192 */
	RELAY_FILES = 6,   /* two sockets and two pipes */
};

struct half {
	int from;
	int to;
	int pipe[2];
	size_t fill; /* bytes in the pipe */
	bool wide;   /* the pipe has PIPE_BYTES */
	bool eof;    /* from has no more */
	bool done;   /* and to has been told */
};

struct relay {
	TAILQ_ENTRY(relay) queue;
	int inner; /* the sandbox's side */
	int outer;
	bool connecting;
	bool queued;
	bool dead;
	struct half up; /* sandbox to host */
	struct half down;
};

TAILQ_HEAD(relay_queue, relay);

struct worker {
	pthread_t thread;
	int epoll;
	struct policy *policy;
	struct netlog *log;
	struct relay_queue queue; /* relays that could go on at once */
	struct relay_queue dead;
	unsigned int wide; /* pipes of PIPE_BYTES */
	struct splicers *all;
};

struct splicers {
	long room; /* relays that there may be */
	atomic_long relays;
	size_t count;
	struct worker workers[WORKERS_MAX];
};

/* In epoll's data: a listener's descriptor above the lowest bit, or a relay, whose address leaves
 * the second bit free to say which of its sockets it is. */
enum { TAG_LISTENER = 1, TAG_OUTER = 2 };

static uint64_t listener_tag(int fd)
{
	return (uint64_t)fd << 1 | TAG_LISTENER;
}

static uint64_t relay_tag(const struct relay *relay, bool is_outer)
{
	return (uintptr_t)relay | (is_outer ? TAG_OUTER : 0);
}

/* The other side is to see that this did not end as it should. */
static void reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void half_close(struct worker *worker, struct half *half)
{
	if (half->wide)
		worker->wide--;
	for (int i = 0; i < 2; i++) {
		if (half->pipe[i] >= 0)
			close(half->pipe[i]);
	}
}

static void relay_end(struct worker *worker, struct relay *relay, bool by_reset)
{
	if (relay->dead)
		return;
	if (by_reset) {
		reset(relay->inner);
		reset(relay->outer);
	} else {
		close(relay->inner);
		close(relay->outer);
	}
	half_close(worker, &relay->up);
	half_close(worker, &relay->down);
	relay->dead = true;
	worker->all->relays--;
	if (relay->queued)
		TAILQ_REMOVE(&worker->queue, relay, queue);
	TAILQ_INSERT_TAIL(&worker->dead, relay, queue);
}

static int half_open(struct half *half, int from, int to)
{
	half->from = from;
	half->to = to;
	if (pipe2(half->pipe, O_NONBLOCK | O_CLOEXEC) < 0) {
		half->pipe[0] = half->pipe[1] = -1;
		return -errno;
	}
	return 0;
}

/* A stream that fills its pipe gets a larger one, if not too many have one. More is faster, and
 * only that. */
static void half_widen(struct worker *worker, struct half *half)
{
	if (half->wide || half->fill < PIPE_FULL || worker->wide >= WIDE_MAX ||
	    fcntl(half->pipe[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
		return;
	half->wide = true;
	worker->wide++;
}

/* One read and one write: 1 when something moved, 0 when not, or -errno. */
static int half_step(struct worker *worker, struct half *half)
{
	ssize_t n;
	int moved = 0;

	if (!half->eof) {
		n = splice(half->from, NULL, half->pipe[1], NULL, PIPE_BYTES,
		           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		half->eof = n == 0;
		if (n > 0) {
			half->fill += (size_t)n;
			half_widen(worker, half);
			moved = 1;
		}
	}
	if (half->fill) {
		n = splice(half->pipe[0], NULL, half->to, NULL, half->fill,
		           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			half->fill -= (size_t)n;
			moved = 1;
		}
	}
	if (half->eof && half->fill == 0 && !half->done) {
		half->done = true;
		shutdown(half->to, SHUT_WR);
	}
	return moved;
}

/* 1 when it could go on at once, 0 when it would block, or -errno. */
static int half_pump(struct worker *worker, struct half *half)
{
	int moved = 1;

	for (int turn = 0; moved > 0 && turn < TURNS; turn++)
		moved = half->done ? 0 : half_step(worker, half);
	return moved;
}

static void relay_pump(struct worker *worker, struct relay *relay, bool has_up, bool has_down)
{
	int up = has_up ? half_pump(worker, &relay->up) : 0;
	int down = has_down && up >= 0 ? half_pump(worker, &relay->down) : 0;

	if (up < 0 || down < 0) {
		relay_end(worker, relay, true);
		return;
	}
	if (relay->up.done && relay->down.done) {
		relay_end(worker, relay, false);
		return;
	}
	if ((up || down) && !relay->queued) {
		relay->queued = true;
		TAILQ_INSERT_TAIL(&worker->queue, relay, queue);
	}
}

/* The host has answered. What the sandbox has sent meanwhile had its event before. */
static void relay_connected(struct worker *worker, struct relay *relay)
{
	int num = 0;
	socklen_t len = sizeof(num);

	if (getsockopt(relay->outer, SOL_SOCKET, SO_ERROR, &num, &len) < 0 || num) {
		relay_end(worker, relay, true);
		return;
	}
	relay->connecting = false;
	relay_pump(worker, relay, true, true);
}

/* A socket that can be written to says so with every event, so that is of interest only to what
 * waits for it. The sandbox's says nothing about whether the host has answered. */
static void relay_ready(struct worker *worker, uint64_t tag, uint32_t events)
{
	struct relay *relay = (struct relay *)(uintptr_t)(tag & ~(uint64_t)TAG_OUTER);
	bool is_outer = tag & TAG_OUTER;
	const struct half *writer = is_outer ? &relay->up : &relay->down;
	const struct half *reader = is_outer ? &relay->down : &relay->up;
	bool reads = events & ~(uint32_t)EPOLLOUT;
	bool writes = writer->fill && (events & ~(uint32_t)(EPOLLIN | EPOLLRDHUP));

	if (relay->dead)
		return;
	if (!relay->connecting)
		relay_pump(worker, relay, is_outer ? writes : reads, is_outer ? reads : writes);
	else if (is_outer && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		relay_connected(worker, relay);
	else if (events & EPOLLERR) /* the sandbox has given up */
		relay_end(worker, relay, true);
	/* nothing is read any more that could fail, so this is all that tells of a reset */
	if (!relay->connecting && reader->done && (events & EPOLLERR))
		relay_end(worker, relay, true);
}

/* Where the connection was going before it was redirected. Never the sandbox's own loopback, which
 * someone in there could name by connecting to the listener itself. */
static int original_dst(int fd, struct net_addr *ret, unsigned short *ret_port)
{
	static const struct net_addr loop6 = { { [15] = 1 } };
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	if (sa.ss_family == AF_INET6) {
		len = sizeof(struct sockaddr_in6);
		if (getsockopt(fd, SOL_IPV6, ORIGINAL_DST, &sa, &len) < 0)
			return -errno;
	} else {
		len = sizeof(struct sockaddr_in);
		if (getsockopt(fd, SOL_IP, ORIGINAL_DST, &sa, &len) < 0)
			return -errno;
	}
	if (sockaddr_from((struct sockaddr *)&sa, ret, ret_port) < 0)
		return -EAFNOSUPPORT;
	if ((net_addr_is4(ret) && ret->b[12] == 127) || net_addr_equal(ret, &loop6))
		return -EPERM;
	return 0;
}

/* Starts a connection on the host: a descriptor or -errno. */
static int dial(struct worker *worker, const struct net_addr *addr, unsigned short port)
{
	enum policy_verdict verdict =
		policy_check(worker->policy, NET_TCP, addr, port, clock_ms() / 1000);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_to(addr, port, &sa);
	int fd;
	int r;

	if (verdict != POLICY_ALLOW) {
		netlog_denied(worker->log, NET_TCP, addr, port, policy_verdict_word(verdict));
		return -EACCES;
	}
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (void *)&sa, len) < 0 && errno != EINPROGRESS) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int relay_watch(struct worker *worker, struct relay *relay)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int on = 1;

	setsockopt(relay->inner, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(relay->outer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	event.data.u64 = relay_tag(relay, true);
	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, relay->outer, &event) < 0)
		return -errno;
	event.data.u64 = relay_tag(relay, false);
	return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, relay->inner, &event) < 0 ? -errno : 0;
}

/* Takes over inner. One that is too many is accepted first, because in the listener's queue it
 * would wait for others to end. */
static void relay_start(struct worker *worker, int inner)
{
	bool fits = worker->all->relays++ < worker->all->room;
	struct relay *relay = fits ? calloc(1, sizeof(*relay)) : NULL;
	struct net_addr addr = { 0 };
	unsigned short port = 0;
	int outer = -ENOMEM;

	if (relay && original_dst(inner, &addr, &port) == 0)
		outer = dial(worker, &addr, port);
	if (outer < 0) {
		worker->all->relays--;
		reset(inner);
		free(relay);
		return;
	}
	*relay = (struct relay){ .inner = inner, .outer = outer, .connecting = true };
	relay->up.pipe[0] = relay->up.pipe[1] = -1;
	relay->down.pipe[0] = relay->down.pipe[1] = -1;
	if (half_open(&relay->up, inner, outer) < 0 || half_open(&relay->down, outer, inner) < 0 ||
	    relay_watch(worker, relay) < 0)
		relay_end(worker, relay, true);
}

static void accept_some(struct worker *worker, int listener)
{
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct timespec pause = { .tv_nsec = 5000000 };

		if (fd >= 0) {
			relay_start(worker, fd);
			continue;
		}
		/* without a descriptor to be had the listener would wake us for ever */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			nanosleep(&pause, NULL);
		return;
	}
}

static void work_queue(struct worker *worker)
{
	struct relay *last = TAILQ_LAST(&worker->queue, relay_queue);
	struct relay *relay;

	while ((relay = TAILQ_FIRST(&worker->queue))) {
		TAILQ_REMOVE(&worker->queue, relay, queue);
		relay->queued = false;
		relay_pump(worker, relay, true, true);
		if (relay == last)
			break;
	}
}

static void bury(struct worker *worker)
{
	struct relay *relay;

	while ((relay = TAILQ_FIRST(&worker->dead))) {
		TAILQ_REMOVE(&worker->dead, relay, queue);
		free(relay);
	}
}

static void *worker_main(void *data)
{
	struct worker *worker = data;
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		int n = epoll_wait(worker->epoll, events, EVENTS_MAX,
		                   TAILQ_EMPTY(&worker->queue) ? -1 : 0);

		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 & TAG_LISTENER)
				accept_some(worker, (int)(events[i].data.u64 >> 1));
			else
				relay_ready(worker, events[i].data.u64, events[i].events);
		}
		work_queue(worker);
		bury(worker);
	}
	return NULL;
}

/* The other descriptors are for what goes over the device: names, datagrams, connections. */
static long relays_room(void)
{
	struct rlimit files;
	rlim_t room;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return RELAYS_MAX;
	room = files.rlim_cur / 4 * 3 / RELAY_FILES;
	return room < RELAYS_MAX ? (long)room : RELAYS_MAX;
}

static int worker_start(struct worker *worker, struct policy *policy, struct netlog *log)
{
	pthread_attr_t attr;
	sigset_t all;
	sigset_t old;
	int r;

	worker->policy = policy;
	worker->log = log;
	TAILQ_INIT(&worker->queue);
	TAILQ_INIT(&worker->dead);
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)128 * 1024);
	r = -pthread_create(&worker->thread, &attr, worker_main, worker);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

int splicers_start(struct policy *policy, struct netlog *log, struct splicers **ret,
                   struct err *err)
{
	struct splicers *splicers = calloc(1, sizeof(*splicers));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	long count = cpus < 1 ? 1 : cpus > WORKERS_MAX ? WORKERS_MAX : cpus;

	if (!splicers)
		return err_text(err, ENOMEM, "network helper");
	splicers->room = relays_room();
	for (; (long)splicers->count < count; splicers->count++) {
		struct worker *worker = &splicers->workers[splicers->count];
		int r;

		worker->all = splicers;
		r = worker_start(worker, policy, log);

		if (r < 0)
			return err_text(err, -r, "network helper: start a thread");
	}
	*ret = splicers;
	return 0;
}

int splicers_listen(struct splicers *splicers, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE,
		                     .data.u64 = listener_tag(fd) };

	for (size_t i = 0; i < splicers->count; i++) {
		if (epoll_ctl(splicers->workers[i].epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			return -errno;
	}
	return 0;
}
