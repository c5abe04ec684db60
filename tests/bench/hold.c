/* SPDX-License-Identifier: ISC */
/*
 * load hold ADDRESS:PORT SESSIONS NETWORK: opens so many sessions, each from
 * an address of its own in NETWORK/16, and reports once all have received a
 * first byte.  Then it does what the lines on its standard input say, answers
 * each with one line, and ends with the input:
 *
 *	alive            how many are still open, and what they have received
 *	                 since they were last read
 *	speak            EHLO, MAIL and RCPT on each, each with its own names
 *	deliver          then DATA and a message of a kilobyte on each
 *	measure SECONDS  what they receive in that time
 *
 * Between commands no session is watched or read: a client's wake-ups would
 * be paid for by the server's send(2), which runs both ends on loopback.
 */

#include "tests/bench/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/clock.h"
#include "bin/common/loop.h"

enum {
	/* Not connected yet: within any listener's backlog. */
	CONNECTING_MAX = 512,
	SESSIONS_MAX = 19900,
};

/* No server needs as long for any of the commands. */
#define PATIENCE         (120 * USEC_PER_SEC)
#define DELIVER_PATIENCE (300 * USEC_PER_SEC)

/* Steps of the dialogue. */
enum { EHLO, MAIL, RCPT, DATA, BODY, STEPS };

struct holder;

struct client {
	struct loop_io io;
	struct holder *holder;
	bool watched, connected, gone, greeted;
	bool done; /* with the command at hand */
	struct reply reply;
	uint8_t step;                /* of the dialogue: the next one */
	char verdict;                /* first digit of the reply to the last */
	uint64_t first, last;        /* arrivals while measuring */
	uint32_t bytes, before_last; /* the latter without the last arrival */
};

struct holder {
	struct loop *loop;
	struct client *client;
	unsigned int n, n_done, n_gone, n_connected;
	unsigned int until; /* the step before which the dialogue pauses */
	/* What the command at hand does with bytes that have arrived. */
	void (*on_data)(struct client *, const char *data, size_t len);
};

static void
set_watched(struct client *c, bool watched)
{
	struct holder *h = c->holder;
	int r = 0;

	if (c->watched == watched)
		return;
	c->watched = watched;
	if (watched)
		r = loop_add(h->loop, &c->io,
		    c->connected ? EPOLLIN : EPOLLIN | EPOLLOUT);
	else
		loop_remove(h->loop, &c->io);
	if (r < 0)
		load_die(r, "epoll");
}

static void
set_done(struct client *c)
{
	if (c->done)
		return;
	c->done = true;
	c->holder->n_done++;
}

static void
lose(struct client *c)
{
	set_watched(c, false);
	set_done(c);
	if (c->gone)
		return;
	c->gone = true;
	c->holder->n_gone++;
}

static void
note_connected(struct client *c)
{
	int r = loop_modify(c->holder->loop, &c->io, EPOLLIN);

	if (r < 0)
		load_die(r, "epoll");
	c->connected = true;
	c->holder->n_connected++;
}

static void
on_client_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct client *c = CONTAINER_OF(io, struct client, io);
	char buf[4096];
	ssize_t n;

	(void)events;
	(void)now;
	if (!c->connected)
		note_connected(c);
	n = recv(io->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		lose(c);
	else if (n > 0)
		c->holder->on_data(c, buf, (size_t)n);
}

/* True at the end of a reply. */
static bool
feed(struct client *c, const char *data, size_t len)
{
	bool ends = reply_feed(&c->reply, data, len) > 0;

	c->greeted |= ends;
	return ends;
}

/* Reads what has arrived unwatched; how many bytes. */
static size_t
drain(struct client *c)
{
	char buf[4096];
	size_t bytes = 0;
	ssize_t n;

	while ((n = recv(c->io.fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		(void)feed(c, buf, (size_t)n);
		bytes += (size_t)n;
	}
	if (n == 0 || errno != EAGAIN)
		lose(c);
	return bytes;
}

static void
begin(struct holder *h, void (*on_data)(struct client *, const char *, size_t))
{
	h->on_data = on_data;
	h->n_done = h->n_gone;
	for (unsigned int i = 0; i < h->n; i++)
		h->client[i].done = h->client[i].gone;
}

static void
watch_all(struct holder *h, bool watched)
{
	for (unsigned int i = 0; i < h->n; i++)
		if (!h->client[i].gone)
			set_watched(&h->client[i], watched);
}

static void
run_loop(struct holder *h, uint64_t until)
{
	int r = loop_run_once(h->loop, until);

	if (r < 0)
		load_die(r, "epoll");
}

/*
 * Opening
 */

static void
on_first_byte(struct client *c, const char *data, size_t len)
{
	(void)feed(c, data, len);
	set_watched(c, false);
	set_done(c);
}

static void
open_all(struct holder *h, const struct sockaddr_in *to, uint32_t net)
{
	uint64_t began = clock_now();
	unsigned int opened = 0;

	h->on_data = on_first_byte;
	while (h->n_done < h->n && clock_now() < began + PATIENCE) {
		while (
		    opened < h->n && opened - h->n_connected < CONNECTING_MAX) {
			struct client *c = &h->client[opened];

			c->holder = h;
			c->verdict =
			    '2'; /* no matter what it is greeted with */
			c->io.on_event = on_client_ready;
			c->io.fd = load_dial(to, load_source(net, opened));
			set_watched(c, true);
			opened++;
		}
		run_loop(h, clock_now() + USEC_PER_SEC);
	}
	if (h->n_done < h->n)
		load_die(
		    0, "only %u of %u sessions were greeted", h->n_done, h->n);
	printf("opened sessions=%u lost=%u seconds=%.2f\n", h->n - h->n_gone,
	    h->n_gone, (double)(clock_now() - began) / USEC_PER_SEC);
}

/*
 * Commands
 */

static void
do_alive(struct holder *h, const char *argument)
{
	uint64_t bytes = 0;

	(void)argument;
	for (unsigned int i = 0; i < h->n; i++)
		if (!h->client[i].gone)
			bytes += drain(&h->client[i]);
	printf("alive sessions=%u lost=%u bytes=%" PRIu64 "\n",
	    h->n - h->n_gone, h->n_gone, bytes);
}

/* A message as short as real ones are. */
static int
print_body(char *buf, size_t size, unsigned int number)
{
	return snprintf(
	    buf, size, "Subject: %05u\r\n\r\n%0900u\r\n.\r\n", number, number);
}

static int
print_step(char *buf, size_t size, unsigned int step, unsigned int number)
{
	switch (step) {
	case EHLO:
		return snprintf(
		    buf, size, "EHLO host%05u.example.com\r\n", number);
	case MAIL:
		return snprintf(
		    buf, size, "MAIL FROM:<user%05u@example.com>\r\n", number);
	case RCPT:
		return snprintf(
		    buf, size, "RCPT TO:<postmaster@example.org>\r\n");
	case DATA:
		return snprintf(buf, size, "DATA\r\n");
	default:
		return print_body(buf, size, number);
	}
}

static void
say_next(struct client *c)
{
	char line[1024];
	int n;

	if (c->step >= c->holder->until || c->verdict > '3') {
		set_watched(c, false);
		set_done(c);
		return;
	}
	n = print_step(line, sizeof(line), c->step++,
	    (unsigned int)(c - c->holder->client));
	c->verdict = '\0';
	if (send(c->io.fd, line, (size_t)n, MSG_NOSIGNAL) != n)
		lose(c);
}

static void
on_reply(struct client *c, const char *data, size_t len)
{
	if (c->verdict == '\0')
		c->verdict = data[0];
	if (feed(c, data, len))
		say_next(c);
}

/* The dialogue up to before step UNTIL. */
static void
talk(struct holder *h, unsigned int until, uint64_t patience)
{
	uint64_t end = clock_now() + patience;

	h->until = until;
	begin(h, on_reply);
	watch_all(h, true);
	for (unsigned int i = 0; i < h->n; i++)
		if (h->client[i].greeted && !h->client[i].gone)
			say_next(&h->client[i]);
	while (h->n_done < h->n && clock_now() < end)
		run_loop(h, end);
	watch_all(h, false);
}

static void
do_speak(struct holder *h, const char *argument)
{
	(void)argument;
	talk(h, DATA, PATIENCE);
	printf(
	    "spoken sessions=%u lost=%u\n", h->n_done - h->n_gone, h->n_gone);
}

static void
do_deliver(struct holder *h, const char *argument)
{
	uint64_t began = clock_now();
	unsigned int delivered = 0;

	(void)argument;
	talk(h, STEPS, DELIVER_PATIENCE);
	for (unsigned int i = 0; i < h->n; i++)
		if (h->client[i].step == STEPS && h->client[i].verdict == '2')
			delivered++;
	printf("delivered delivered=%u lost=%u seconds=%.2f\n", delivered,
	    h->n_gone, (double)(clock_now() - began) / USEC_PER_SEC);
}

static void
on_drip(struct client *c, const char *data, size_t len)
{
	uint64_t now = clock_now();

	(void)data;
	if (c->first == 0)
		c->first = now;
	c->last = now;
	c->before_last = c->bytes;
	c->bytes += (uint32_t)len;
}

/* The pace of one client: from its first to its last arrival, so that it does
 * not matter how the drops fall within the time.  0: fewer than two came. */
static double
pace(const struct client *c)
{
	if (c->last == c->first)
		return 0;
	return c->before_last * (double)USEC_PER_SEC /
	    (double)(c->last - c->first);
}

static void
print_paces(struct holder *h, double seconds)
{
	struct samples paces = { 0 }, counts = { 0 };

	for (unsigned int i = 0; i < h->n; i++) {
		const struct client *c = &h->client[i];

		samples_add(&paces, c->gone ? 0 : pace(c));
		samples_add(&counts, c->bytes / seconds);
	}
	printf("measured sessions=%u lost=%u slowest=%.4f median=%.4f "
	       "fastest=%.4f least=%.3f most=%.3f\n",
	    h->n - h->n_gone, h->n_gone, samples_at(&paces, 0),
	    samples_at(&paces, 0.5), samples_at(&paces, 1),
	    samples_at(&counts, 0), samples_at(&counts, 1));
	free(paces.value);
	free(counts.value);
}

static void
do_measure(struct holder *h, const char *argument)
{
	unsigned int seconds = load_number(argument, 3600);
	uint64_t until;

	begin(h, on_drip);
	for (unsigned int i = 0; i < h->n; i++) {
		struct client *c = &h->client[i];

		if (!c->gone)
			(void)drain(c);
		c->first = c->last = 0;
		c->bytes = c->before_last = 0;
	}
	watch_all(h, true);
	until = clock_now() + seconds * USEC_PER_SEC;
	while (clock_now() < until)
		run_loop(h, until);
	watch_all(h, false);
	print_paces(h, seconds);
}

static void
run_command(struct holder *h, char *line)
{
	static const struct {
		const char *name;
		void (*run)(struct holder *, const char *argument);
	} commands[] = {
		{ "alive", do_alive },
		{ "speak", do_speak },
		{ "deliver", do_deliver },
		{ "measure", do_measure },
	};
	char *argument;

	line[strcspn(line, "\n")] = '\0';
	argument = line + strcspn(line, " ");
	if (*argument == ' ')
		*argument++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(line, commands[i].name) == 0) {
			commands[i].run(h, argument);
			return;
		}
	load_die(0, "no such command: %s", line);
}

int
hold_main(int argc, char **argv)
{
	struct holder h = { 0 };
	struct sockaddr_in to;
	char line[64];
	int r;

	if (argc != 3)
		load_die(0, "hold takes ADDRESS:PORT SESSIONS NETWORK");
	to = load_target(argv[0]);
	h.n = load_number(argv[1], SESSIONS_MAX);
	h.client = calloc(h.n, sizeof(*h.client));
	r = loop_new(&h.loop);
	if (r < 0 || h.client == NULL)
		load_die(r, "no memory");
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_all(&h, &to, load_network(argv[2]));
	while (fgets(line, sizeof(line), stdin) != NULL)
		run_command(&h, line);
	for (unsigned int i = 0; i < h.n; i++)
		load_hang_up(h.client[i].io.fd);
	free(h.client);
	loop_free(h.loop);
	return 0;
}
