/* SPDX-License-Identifier: ISC */
/*
 * load watch ADDRESS:PORT MSEC SECONDS NETWORK: a clean client every so many
 * milliseconds, whatever became of those before: connect, the whole greeting,
 * QUIT, close.  Prints how many were greeted, and how long connect() to the
 * greeting's last byte took: what others do to one who means well.
 */

#include "tests/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/loop.h"

/* At once; no real one waits longer for its greeting than a minute. */
enum { CLIENTS_MAX = 2000 };

struct watch;

struct client {
	struct loop_io io;
	struct watch *watch;
	struct reply reply;
	uint64_t began;
};

struct watch {
	struct loop *loop;
	struct sockaddr_in to;
	uint32_t net;
	uint64_t interval;
	unsigned int n, failed, refused, late;
	struct samples latency; /* usec */
	struct timer next;
	struct client client[CLIENTS_MAX];
};

/* "over 50 ms" of the issue that this is the yardstick of. */
#define LATE (50 * USEC_PER_MSEC)

static void
finish(struct client *c)
{
	loop_remove(c->watch->loop, &c->io);
	load_hang_up(c->io.fd);
	c->io.fd = -1;
}

static void
on_client_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct client *c = CONTAINER_OF(io, struct client, io);
	struct watch *w = c->watch;
	char buf[4096];
	ssize_t n = recv(io->fd, buf, sizeof(buf), MSG_DONTWAIT);
	uint64_t took;

	(void)events;
	(void)now;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || buf[0] != '2') {
		if (n > 0)
			w->refused++;
		w->failed++;
		fprintf(stderr, "load: watch: %.*s\n",
		    n > 0 ? (int)strcspn(buf, "\r\n") : 7,
		    n > 0 ? buf : "nothing");
		finish(c);
		return;
	}
	if (reply_feed(&c->reply, buf, (size_t)n) == 0)
		return;
	took = clock_now() - c->began;
	w->late += took > LATE;
	samples_add(&w->latency, (double)took);
	(void)send(io->fd, "QUIT\r\n", 6, MSG_NOSIGNAL | MSG_DONTWAIT);
	finish(c);
}

static void
begin(struct watch *w, struct client *c)
{
	c->watch = w;
	c->reply = (struct reply){ 0 };
	c->io.on_event = on_client_ready;
	c->began = clock_now();
	c->io.fd = load_dial(&w->to, load_source(w->net, w->n++));
	if (loop_add(w->loop, &c->io, EPOLLIN) < 0)
		load_die(errno, "epoll");
}

static void
on_next(struct timer *t, uint64_t now)
{
	struct watch *w = CONTAINER_OF(t, struct watch, next);

	loop_arm(w->loop, t, now + w->interval);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (w->client[i].io.fd < 0) {
			begin(w, &w->client[i]);
			return;
		}
	w->failed++;
}

static void
run_until(struct watch *w, uint64_t until)
{
	while (clock_now() < until) {
		int r = loop_run_once(w->loop, until);

		if (r < 0)
			load_die(r, "epoll");
	}
}

int
watch_main(int argc, char **argv)
{
	static struct watch w;
	unsigned int seconds;
	int r;

	if (argc != 4)
		load_die(0, "watch takes ADDRESS:PORT MSEC SECONDS NETWORK");
	w.to = load_target(argv[0]);
	w.interval = load_number(argv[1], 60000) * USEC_PER_MSEC;
	seconds = load_number(argv[2], 7200);
	w.net = load_network(argv[3]);
	r = loop_new(&w.loop);
	if (r < 0)
		load_die(r, "no memory");
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		w.client[i].io.fd = -1;
	w.next.on_timer = on_next;
	loop_arm(w.loop, &w.next, clock_now());
	run_until(&w, clock_now() + seconds * USEC_PER_SEC);
	loop_cancel(w.loop, &w.next);
	run_until(&w, clock_now() + 2 * USEC_PER_SEC);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (w.client[i].io.fd >= 0) {
			w.failed++;
			finish(&w.client[i]);
		}
	printf("watch clients=%u greeted=%zu failed=%u refused=%u late=%u "
	       "median_us=%.0f p99_us=%.0f worst_us=%.0f\n",
	    w.n, w.latency.n, w.failed, w.refused, w.late,
	    samples_at(&w.latency, 0.5), samples_at(&w.latency, 0.99),
	    samples_at(&w.latency, 1));
	free(w.latency.value);
	loop_free(w.loop);
	return 0;
}
