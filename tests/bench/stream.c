/* SPDX-License-Identifier: ISC */
/*
 * What a relay is measured with.
 *
 * load sink ADDRESS:PORT: an MTA that has nothing to do.  It greets at once,
 * reads all that comes, answers QUIT, and at the end of a client's bytes says
 * that it has had them.
 *
 * load push ADDRESS:PORT CLIENTS MEGABYTES: so many clients at the same time,
 * each of which sends so much and waits for that answer.  Prints megabytes per
 * second of them all.
 */
#include "tests/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/fd.h"
#include "bin/common/listen.h"
#include "bin/common/loop.h"

enum { MEGABYTE = 1 << 20, CLIENTS_MAX = 1000 };

static struct loop *loop;
static char block[256 * 1024];

/* ---- sink ---- */

static void
say(int fd, const char *text)
{
	/* Who does not read has left. */
	(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
on_session_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	ssize_t n = recv(io->fd, block, sizeof(block), MSG_DONTWAIT);

	(void)events;
	(void)now;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		if (n >= 6 && memcmp(block + n - 6, "QUIT\r\n", 6) == 0)
			say(io->fd, "221 Bye\r\n");
		return;
	}
	if (n == 0)
		say(io->fd, "250 All of it\r\n");
	loop_remove(loop, io);
	close(io->fd);
	free(io);
}

static void
on_accept(struct acceptor *a, int fd, const struct sockaddr_storage *peer,
    uint64_t now)
{
	struct loop_io *io = calloc(1, sizeof(*io));

	(void)a;
	(void)peer;
	(void)now;
	if (io == NULL)
		load_die(ENOMEM, "sink");
	*io = (struct loop_io){ .fd = fd, .on_event = on_session_ready };
	say(fd, "220 sink.example.org\r\n");
	if (loop_add(loop, io, EPOLLIN) < 0)
		load_die(ENOMEM, "epoll");
}

int
sink_main(int argc, char **argv)
{
	struct acceptor acceptor = { .on_accept = on_accept };
	struct listen_socket listener;

	if (argc != 1)
		return EXIT_OPERATOR;
	if (listen_open_tcp(argv[0], 4096, &listener) < 0 ||
	    loop_new(&loop) < 0 ||
	    acceptor_init(&acceptor, loop, listener.fd) < 0)
		load_die(errno, "%s", argv[0]);
	return loop_run(loop) < 0 ? EXIT_TEMPORARY : 0;
}

/* ---- push ---- */

struct pusher {
	struct loop_io io;
	uint64_t left; /* bytes to be sent */
	bool greeted, shut;
};

static unsigned int n_done;

static void
push(struct pusher *p)
{
	while (p->left > 0) {
		size_t size = p->left < sizeof(block) ? p->left : sizeof(block);
		ssize_t n =
		    send(p->io.fd, block, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			load_die(errno, "push");
		p->left -= (uint64_t)n;
	}
	(void)shutdown(p->io.fd, SHUT_WR);
	p->shut = true;
	if (loop_modify(loop, &p->io, EPOLLIN) < 0)
		load_die(ENOMEM, "epoll");
}

static void
on_pusher_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct pusher *p = CONTAINER_OF(io, struct pusher, io);
	char buf[512];
	ssize_t n;

	(void)now;
	if ((events & (uint32_t)~EPOLLOUT) != 0) {
		n = recv(io->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			load_die(n < 0 ? errno : EPIPE, "the server left");
		if (n > 0 && p->shut && buf[0] == '2') {
			loop_remove(loop, io);
			close(io->fd);
			n_done++;
			return;
		}
		p->greeted = p->greeted || n > 0;
	}
	if (p->greeted && !p->shut)
		push(p);
}

int
push_main(int argc, char **argv)
{
	static struct pusher pusher[CLIENTS_MAX];
	struct sockaddr_in to;
	unsigned int clients, megabytes;
	uint64_t began;

	if (argc != 3)
		return EXIT_OPERATOR;
	to = load_target(argv[0]);
	clients = load_number(argv[1], CLIENTS_MAX);
	megabytes = load_number(argv[2], 100000);
	memset(block, 'x', sizeof(block));
	if (loop_new(&loop) < 0)
		load_die(ENOMEM, "epoll");
	began = clock_now();
	for (unsigned int i = 0; i < clients; i++) {
		struct in_addr source =
		    load_source(load_network("127.2.0.0"), i);

		pusher[i].io = (struct loop_io){ .fd = load_dial(&to, source),
			.on_event = on_pusher_ready };
		pusher[i].left = (uint64_t)megabytes * MEGABYTE;
		if (loop_add(loop, &pusher[i].io, EPOLLIN | EPOLLOUT) < 0)
			load_die(ENOMEM, "epoll");
	}
	while (n_done < clients)
		if (loop_run_once(loop, clock_now() + USEC_PER_SEC) < 0)
			load_die(ENOMEM, "epoll");
	printf("mbps=%.1f\n",
	    (double)clients * megabytes * 1e6 / (double)(clock_now() - began));
	return 0;
}
