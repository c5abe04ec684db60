/* SPDX-License-Identifier: ISC */
/*
 * load clean ADDRESS:PORT CLIENTS SECONDS NETWORK: so many clients, each with
 * one session after the other: connect, the whole greeting, QUIT, the reply to
 * it, close.  Prints sessions per second, and how long connect() to the
 * greeting's last byte took.
 */

#include "tests/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/loop.h"

enum { CLIENTS_MAX = 1000 };

struct crowd;

struct client {
	struct loop_io io;
	struct crowd *crowd;
	struct reply reply;
	bool greeted;
	uint64_t began;
};

struct crowd {
	struct loop *loop;
	struct sockaddr_in to;
	uint32_t net;
	unsigned int sessions; /* begun; the next one's source */
	unsigned int finished, failed;
	bool warm;              /* what happens now counts */
	struct samples latency; /* usec */
};

static void
dial(struct client *c)
{
	struct crowd *w = c->crowd;
	int r;

	c->reply = (struct reply){ 0 };
	c->greeted = false;
	c->began = clock_now();
	c->io.fd = load_dial(&w->to, load_source(w->net, w->sessions++));
	r = loop_add(w->loop, &c->io, EPOLLIN);
	if (r < 0)
		load_die(r, "epoll");
}

static void
hang_up(struct client *c)
{
	loop_remove(c->crowd->loop, &c->io);
	load_hang_up(c->io.fd);
}

static void
finish(struct client *c, bool ok)
{
	if (c->crowd->warm && ok)
		c->crowd->finished++;
	if (!ok)
		c->crowd->failed++;
	hang_up(c);
	dial(c);
}

static void
on_client_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct client *c = CONTAINER_OF(io, struct client, io);
	char buf[4096];
	ssize_t n = recv(io->fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)events;
	(void)now;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || buf[0] != '2') {
		finish(c, false);
		return;
	}
	if (reply_feed(&c->reply, buf, (size_t)n) == 0)
		return;
	if (c->greeted) {
		finish(c, true);
		return;
	}
	c->greeted = true;
	if (c->crowd->warm)
		samples_add(
		    &c->crowd->latency, (double)(clock_now() - c->began));
	if (send(io->fd, "QUIT\r\n", 6, MSG_NOSIGNAL) != 6)
		finish(c, false);
}

static void
run_until(struct crowd *w, uint64_t until)
{
	while (clock_now() < until) {
		int r = loop_run_once(w->loop, until);

		if (r < 0)
			load_die(r, "epoll");
	}
}

int
clean_main(int argc, char **argv)
{
	struct crowd crowd = { 0 };
	struct client *clients;
	unsigned int n, seconds;
	uint64_t began;
	int r;

	if (argc != 4)
		load_die(0, "clean takes ADDRESS:PORT CLIENTS SECONDS NETWORK");
	crowd.to = load_target(argv[0]);
	n = load_number(argv[1], CLIENTS_MAX);
	seconds = load_number(argv[2], 3600);
	crowd.net = load_network(argv[3]);
	clients = calloc(n, sizeof(*clients));
	r = loop_new(&crowd.loop);
	if (r < 0 || clients == NULL)
		load_die(r, "no memory");
	for (unsigned int i = 0; i < n; i++) {
		clients[i].crowd = &crowd;
		clients[i].io.on_event = on_client_ready;
		dial(&clients[i]);
	}
	/* Postfix starts its processes one by one. */
	run_until(&crowd, clock_now() + USEC_PER_SEC);
	crowd.warm = true;
	began = clock_now();
	run_until(&crowd, began + seconds * USEC_PER_SEC);
	printf("clean rate=%.1f failed=%u median=%.1f p99=%.1f\n",
	    crowd.finished * (double)USEC_PER_SEC /
		(double)(clock_now() - began),
	    crowd.failed, samples_at(&crowd.latency, 0.5),
	    samples_at(&crowd.latency, 0.99));
	for (unsigned int i = 0; i < n; i++)
		hang_up(&clients[i]);
	free(crowd.latency.value);
	free(clients);
	loop_free(crowd.loop);
	return 0;
}
