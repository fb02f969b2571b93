/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What fits arrives whole; what does not leaves no descriptor behind. */
#include "run/fdpass.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_ROOM = 8, SOME = 3 };

struct fixture {
	int pair[2];
	int lowest; /* the first descriptor that is free */
	int pipes[SOME];
};

static int lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	int ends[2];

	(void)data;
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->pair), ==, 0);
	for (size_t i = 0; i < SOME; i++) {
		g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
		close(ends[1]);
		f->pipes[i] = ends[0];
	}
	f->lowest = lowest_free();
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	(void)data;
	g_assert_cmpint(lowest_free(), ==, f->lowest);
	for (size_t i = 0; i < SOME; i++)
		close(f->pipes[i]);
	close(f->pair[0]);
	close(f->pair[1]);
}

static void send_text(struct fixture *f, const char *text, size_t n_fds)
{
	struct fdpass message = { (void *)(guintptr)text, strlen(text), f->pipes, n_fds };

	g_assert_cmpint(fdpass_send(f->pair[0], &message), ==, 0);
}

static void test_all_arrive(struct fixture *f, gconstpointer data)
{
	char text[TEXT_ROOM];
	int fds[SOME];
	struct fdpass message = { text, sizeof(text), fds, SOME };
	struct stat sent;
	struct stat came;

	(void)data;
	send_text(f, "three", SOME);
	g_assert_cmpint(fdpass_receive(f->pair[1], 0, &message), ==, 5);
	g_assert_cmpmem(text, 5, "three", 5);
	g_assert_cmpuint(message.n_fds, ==, SOME);
	for (size_t i = 0; i < SOME; i++) {
		g_assert_cmpint(fcntl(fds[i], F_GETFD), ==, FD_CLOEXEC);
		fstat(f->pipes[i], &sent);
		fstat(fds[i], &came);
		g_assert_cmpuint(sent.st_ino, ==, came.st_ino);
		close(fds[i]);
	}
}

static void test_fewer_than_room(struct fixture *f, gconstpointer data)
{
	char text[TEXT_ROOM];
	int fds[SOME];
	struct fdpass message = { text, sizeof(text), fds, SOME };

	(void)data;
	send_text(f, "one", 1);
	g_assert_cmpint(fdpass_receive(f->pair[1], 0, &message), ==, 3);
	g_assert_cmpuint(message.n_fds, ==, 1);
	close(fds[0]);
	send_text(f, "none", 0);
	g_assert_cmpint(fdpass_receive(f->pair[1], 0, &message), ==, 4);
	g_assert_cmpuint(message.n_fds, ==, 0);
}

/* The room for control messages is rounded up, so that one too many may arrive, or be cut off. */
static void test_too_many(struct fixture *f, gconstpointer data)
{
	char text[TEXT_ROOM];
	int fds[SOME];

	(void)data;
	for (size_t room = 0; room < SOME; room++) {
		struct fdpass message = { text, sizeof(text), fds, room };

		send_text(f, "many", SOME);
		g_assert_cmpint(fdpass_receive(f->pair[1], 0, &message), ==, -EMSGSIZE);
		g_assert_cmpuint(message.n_fds, ==, 0);
		g_assert_cmpint(lowest_free(), ==, f->lowest);
	}
}

static void test_too_long(struct fixture *f, gconstpointer data)
{
	char text[TEXT_ROOM];
	int fds[SOME];
	struct fdpass message = { text, sizeof(text), fds, SOME };

	(void)data;
	send_text(f, "more than eight", SOME);
	g_assert_cmpint(fdpass_receive(f->pair[1], 0, &message), ==, -EMSGSIZE);
}

/* What was said before comes first, however the other side went. */
static void test_end(struct fixture *f, gconstpointer data)
{
	char text[TEXT_ROOM];
	struct fdpass message = { text, sizeof(text), NULL, 0 };

	(void)data;
	g_assert_cmpint(fdpass_receive(f->pair[1], MSG_DONTWAIT, &message), ==, -EAGAIN);
	send_text(f, "last", 0);
	message.size = sizeof(text);
	g_assert_cmpint(write(f->pair[1], "unread", 6), ==, 6);
	close(f->pair[0]);
	g_assert_cmpint(fdpass_receive(f->pair[1], 0, &message), ==, 4);
	g_assert_cmpint(fdpass_receive(f->pair[1], 0, &message), ==, 0);
	message.size = 1;
	g_assert_cmpint(fdpass_send(f->pair[1], &message), ==, -EPIPE);
	message.n_fds = FDPASS_MAX + 1;
	g_assert_cmpint(fdpass_send(f->pair[1], &message), ==, -E2BIG);
	f->pair[0] = dup(f->pair[1]);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*test)(struct fixture *f, gconstpointer data);
	} cases[] = {
		{ "/fdpass/all", test_all_arrive },    { "/fdpass/fewer", test_fewer_than_room },
		{ "/fdpass/too-many", test_too_many }, { "/fdpass/too-long", test_too_long },
		{ "/fdpass/end", test_end },
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_test_add(cases[i].name, struct fixture, NULL, set_up, cases[i].test, tear_down);
	return g_test_run();
}
