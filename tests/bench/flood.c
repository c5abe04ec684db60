/* SPDX-License-Identifier: ISC */
/*
 * load flood ADDRESS:PORT KIND CONNECTIONS SECONDS NETWORK: so many clients
 * that mean harm, each connection from the next address of NETWORK/16.  Who is
 * thrown out comes again, from another one.  KIND is a row of kinds[] below.
 * Ends by itself, with a line that says what it did.
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
	CLIENTS_MAX = 10000,
	FILL = 16384,
	/* Bounds what this asks of the machine: connections a second, bytes a
	 * second, and those given to one client in a row. */
	DIALS_PER_SECOND = 500,
	BYTES_PER_SECOND = 64 << 20,
	TURN_MSEC = 10,
};

/* The text that is said without end, from the Nth time on; at most SIZE
 * bytes, whole lines. */
typedef size_t fill_fn(char *buf, size_t size, uint64_t n);

struct kind {
	const char *name;
	const char *opening; /* said first */
	fill_fn *fill;       /* and then, without end; NULL: silence */
	unsigned int size;   /* of what is said at a time; 0: FILL */
	unsigned int life;   /* msec until it hangs up; 0: never */
	bool early;          /* does not wait for the greeting's last line */
	bool deaf;           /* reads nothing */
	bool in_unison;      /* all hang up in one moment, each life */
};

static size_t
fill_noop(char *buf, size_t size, uint64_t n)
{
	size_t len = 0;

	(void)n;
	for (; len + 6 <= size; len += 6)
		memcpy(buf + len, "NOOP\r\n", 6);
	return len;
}

/* Each with a name of its own, as long as names are. */
static size_t
fill_hello(char *buf, size_t size, uint64_t n)
{
	size_t len = 0;

	while (len + 160 < size)
		len += (size_t)snprintf(buf + len, size - len,
		    "EHLO h%0119" PRIu64 ".example.com\r\n", n++);
	return len;
}

static size_t
fill_mail(char *buf, size_t size, uint64_t n)
{
	size_t len = 0;

	while (len + 120 < size)
		len += (size_t)snprintf(buf + len, size - len,
		    "MAIL FROM:<u%060" PRIu64 "@example.com>\r\nRSET\r\n", n++);
	return len;
}

static size_t
fill_recipients(char *buf, size_t size, uint64_t n)
{
	size_t len = 0;

	while (len + 100 < size)
		len += (size_t)snprintf(buf + len, size - len,
		    "RCPT TO:<nobody%020" PRIu64 "@example.org>\r\n", n++);
	return len;
}

/* What is no command: a line without end, or a message's body. */
static size_t
fill_line(char *buf, size_t size, uint64_t n)
{
	(void)n;
	memset(buf, 'x', size);
	return size;
}

static size_t
fill_body(char *buf, size_t size, uint64_t n)
{
	(void)n;
	for (size_t i = 0; i < size; i++)
		buf[i] = "a line of a body\r\n"[i % 18];
	return size - size % 18;
}

static size_t
fill_chunks(char *buf, size_t size, uint64_t n)
{
	size_t len = 0;

	(void)n;
	for (; len + 9 <= size; len += 9)
		memcpy(buf + len, "BDAT 1\r\nx", 9);
	return len;
}

#define ENVELOPE                                                  \
	"EHLO flood.example.com\r\nMAIL FROM:<a@example.com>\r\n" \
	"RCPT TO:<postmaster@example.org>\r\n"

static const struct kind kinds[] = {
	{ "churn", .opening = "", .life = 1, .early = true },
	{ "unison", .opening = "", .life = 3000, .early = true,
	    .in_unison = true },
	{ "early", .opening = "EHLO early.example.com\r\n", .life = 100,
	    .early = true },
	{ "silent", .opening = "", .early = true },
	{ "half", .opening = "EHL", .early = true },
	{ "deaf", .opening = "HELP\r\n", .fill = fill_noop, .early = true,
	    .deaf = true },
	{ "noop", .opening = "", .fill = fill_noop },
	{ "hello", .opening = "", .fill = fill_hello },
	{ "mail", .opening = "EHLO mail.example.com\r\n", .fill = fill_mail },
	{ "recipients",
	    .opening = "EHLO rcpt.example.com\r\n"
		       "MAIL FROM:<a@example.com>\r\n",
	    .fill = fill_recipients },
	{ "line", .opening = "", .fill = fill_line },
	{ "bytes", .opening = "", .fill = fill_noop, .size = 6 },
	{ "body", .opening = ENVELOPE "DATA\r\n", .fill = fill_body },
	{ "chunks", .opening = ENVELOPE, .fill = fill_chunks },
	{ "proxy", .opening = "PROXY TCP4 192.0.2.1", .life = 500,
	    .early = true },
};

struct flood;

struct client {
	struct loop_io io;
	struct flood *flood;
	struct reply reply;
	struct timer timer; /* its end, or its next dial */
	bool connected, greeted, opened;
};

struct flood {
	struct loop *loop;
	const struct kind *kind;
	struct sockaddr_in to;
	uint32_t net;
	struct client *client;
	unsigned int n, at; /* whose turn it is to talk */
	uint64_t dials, said, bytes_out, bytes_in, thrown_out;
	struct timer turn, unison;
	uint64_t dial_allowance; /* in msec of a second's worth */
	uint64_t byte_allowance;
};

static void hang_up(struct client *c, uint64_t again);

static void
send_text(struct client *c, const char *text, size_t len)
{
	ssize_t n = send(c->io.fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		hang_up(c, loop_now(c->flood->loop) + 100 * USEC_PER_MSEC);
	if (n > 0)
		c->flood->bytes_out += (uint64_t)n;
	if (n > 0 && c->flood->byte_allowance > (uint64_t)n)
		c->flood->byte_allowance -= (uint64_t)n;
	else if (n > 0)
		c->flood->byte_allowance = 0;
}

static void
open_dialogue(struct client *c)
{
	const char *text = c->flood->kind->opening;

	c->opened = true;
	if (*text != '\0')
		send_text(c, text, strlen(text));
}

static void
on_client_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct client *c = CONTAINER_OF(io, struct client, io);
	const struct kind *kind = c->flood->kind;
	char buf[4096];
	ssize_t n;

	(void)events;
	if (!c->connected) {
		c->connected = true;
		if (loop_modify(c->flood->loop, io, kind->deaf ? 0 : EPOLLIN) <
		    0)
			load_die(errno, "epoll");
	}
	if (kind->early && !c->opened) {
		open_dialogue(c);
		if (io->fd < 0)
			return;
	}
	n = kind->deaf ? -1 : recv(io->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && !kind->deaf && errno != EAGAIN)) {
		c->flood->thrown_out++;
		hang_up(c, now + 100 * USEC_PER_MSEC);
		return;
	}
	if (n > 0)
		c->flood->bytes_in += (uint64_t)n;
	if (n > 0 && !c->greeted && reply_feed(&c->reply, buf, (size_t)n) > 0) {
		c->greeted = true;
		if (!c->opened)
			open_dialogue(c);
	}
}

static void
dial(struct client *c, uint64_t now)
{
	struct flood *f = c->flood;

	c->reply = (struct reply){ 0 };
	c->connected = c->greeted = c->opened = false;
	c->io.fd =
	    load_dial(&f->to, load_source(f->net, (unsigned int)f->dials++));
	if (loop_add(f->loop, &c->io, EPOLLIN | EPOLLOUT) < 0)
		load_die(errno, "epoll");
	if (f->kind->life != 0 && !f->kind->in_unison)
		loop_arm(
		    f->loop, &c->timer, now + f->kind->life * USEC_PER_MSEC);
}

/* And comes again. */
static void
hang_up(struct client *c, uint64_t again)
{
	loop_remove(c->flood->loop, &c->io);
	load_hang_up(c->io.fd);
	c->io.fd = -1;
	loop_arm(c->flood->loop, &c->timer, again);
}

/* Its life is over, or its pause. */
static void
on_client_timer(struct timer *t, uint64_t now)
{
	struct client *c = CONTAINER_OF(t, struct client, timer);

	if (c->io.fd >= 0) {
		hang_up(c, now + USEC_PER_MSEC);
	} else if (c->flood->dial_allowance > 0) {
		c->flood->dial_allowance--;
		dial(c, now);
	} else {
		loop_arm(c->flood->loop, t, now + TURN_MSEC * USEC_PER_MSEC);
	}
}

static void
on_unison(struct timer *t, uint64_t now)
{
	struct flood *f = CONTAINER_OF(t, struct flood, unison);

	for (unsigned int i = 0; i < f->n; i++)
		if (f->client[i].io.fd >= 0)
			hang_up(&f->client[i], now + USEC_PER_MSEC);
	loop_arm(f->loop, t, now + f->kind->life * USEC_PER_MSEC);
}

/* Each in turn says as much as it may at a time. */
static void
talk(struct flood *f)
{
	char buf[FILL];
	size_t size = f->kind->size != 0 ? f->kind->size : FILL;

	for (unsigned int i = 0; i < f->n && f->byte_allowance > 0; i++) {
		struct client *c = &f->client[f->at];

		f->at = (f->at + 1) % f->n;
		if (c->io.fd < 0 || !c->opened)
			continue;
		send_text(c, buf, f->kind->fill(buf, size, f->said));
		f->said += 64;
	}
}

static void
on_turn(struct timer *t, uint64_t now)
{
	struct flood *f = CONTAINER_OF(t, struct flood, turn);

	f->dial_allowance = DIALS_PER_SECOND * TURN_MSEC / 1000;
	f->byte_allowance = BYTES_PER_SECOND / 1000 * TURN_MSEC;
	if (f->kind->fill != NULL)
		talk(f);
	loop_arm(f->loop, t, now + TURN_MSEC * USEC_PER_MSEC);
}

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	load_die(0, "no such kind: %s", name);
}

static void
start(struct flood *f, uint64_t now)
{
	for (unsigned int i = 0; i < f->n; i++) {
		struct client *c = &f->client[i];

		c->flood = f;
		c->io.fd = -1;
		c->io.on_event = on_client_ready;
		c->timer.on_timer = on_client_timer;
		loop_arm(f->loop, &c->timer, now);
	}
	f->turn.on_timer = on_turn;
	on_turn(&f->turn, now);
	f->unison.on_timer = on_unison;
	if (f->kind->in_unison)
		loop_arm(
		    f->loop, &f->unison, now + f->kind->life * USEC_PER_MSEC);
}

int
flood_main(int argc, char **argv)
{
	struct flood f = { 0 };
	uint64_t until;
	int r;

	if (argc != 5)
		load_die(0,
		    "flood takes ADDRESS:PORT KIND CONNECTIONS SECONDS "
		    "NETWORK");
	f.to = load_target(argv[0]);
	f.kind = find_kind(argv[1]);
	f.n = load_number(argv[2], CLIENTS_MAX);
	f.net = load_network(argv[4]);
	f.client = calloc(f.n, sizeof(*f.client));
	r = loop_new(&f.loop);
	if (r < 0 || f.client == NULL)
		load_die(r, "no memory");
	until = clock_now() + load_number(argv[3], 7200) * USEC_PER_SEC;
	start(&f, clock_now());
	while (clock_now() < until)
		if ((r = loop_run_once(f.loop, until)) < 0)
			load_die(r, "epoll");
	printf("flood kind=%s connections=%" PRIu64 " thrown_out=%" PRIu64
	       " bytes_out=%" PRIu64 " bytes_in=%" PRIu64 "\n",
	    f.kind->name, f.dials, f.thrown_out, f.bytes_out, f.bytes_in);
	for (unsigned int i = 0; i < f.n; i++)
		if (f.client[i].io.fd >= 0)
			load_hang_up(f.client[i].io.fd);
	free(f.client);
	loop_free(f.loop);
	return 0;
}
