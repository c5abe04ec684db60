/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/attrs.h"
#include "bin/common/fd.h"
#include "bin/tarpit-policyd/peer.h"

/* A message at least, so that the largest one fits. */
enum { IN_SIZE = 2 * ATTRS_MAX };

struct peer {
	struct loop_io io;
	struct peers *peers;
	struct peer *next, **link;
	struct customer customer;
	struct door *door;
	bool eof;        /* it will send nothing more */
	bool gone;       /* it will read nothing more */
	bool stalled;    /* a message waits for room */
	uint32_t events; /* what the loop watches for */
	bool due;        /* in the list of those with answers */
	struct peer *due_next;
	size_t in_len;
	char in[IN_SIZE];
};

static void
forget_due(struct peer *p)
{
	struct peer **at = &p->peers->due;

	while (p->due && *at != p)
		at = &(*at)->due_next;
	if (p->due)
		*at = p->due_next;
	p->due = false;
}

/* Takes what complete messages there are, as far as there is room.  0, or
 * -EMSGSIZE: the peer speaks something else. */
static int
peer_serve(struct peer *p)
{
	struct customer *c = &p->customer;
	size_t at = 0, len;
	int r;

	p->stalled = false;
	while ((r = attrs_find_end(p->in + at, p->in_len - at, &len)) == 0) {
		p->stalled = !desk_has_room(c);
		if (p->stalled)
			break;
		desk_take(c, p->in + at, len);
		at += len;
	}
	p->in_len -= at;
	memmove(p->in, p->in + at, p->in_len);
	if (r == -EMSGSIZE)
		desk_tell_error(c->desk, "a message does not end");
	return r == -EMSGSIZE ? r : 0;
}

static int
peer_read(struct peer *p)
{
	ssize_t n;

	if (p->eof || p->stalled || p->in_len == IN_SIZE)
		return 0;
	n = recv(p->io.fd, p->in + p->in_len, IN_SIZE - p->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	p->eof = n == 0;
	p->in_len += (size_t)n;
	return 0;
}

static int
peer_flush(struct peer *p)
{
	if (p->gone)
		p->customer.outbox.len = 0;
	return outbox_send(&p->customer.outbox, p->io.fd);
}

static void
peer_free(struct peer *p)
{
	outbox_fini(&p->customer.outbox);
	free(p);
}

static void
peer_close(struct peer *p)
{
	struct door *door = p->door;

	desk_forget(&p->customer);
	forget_due(p);
	loop_remove(p->peers->loop, &p->io);
	fd_close(&p->io.fd);
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	peer_free(p);
	door_left(door);
}

/* Nothing is owed to a peer that has ended its questions and has all its
 * answers.  One that is gone is not waited for: its hang-up would wake us
 * without end. */
static bool
peer_is_done(const struct peer *p)
{
	if (p->gone && p->stalled)
		return true;
	return p->eof && !p->stalled &&
	    (p->gone ||
		(p->customer.outbox.len == 0 && p->customer.asker.n == 0));
}

/* Does all that can be done for P now, and closes it if that was all. */
static void
peer_work(struct peer *p)
{
	struct customer *c = &p->customer;
	uint32_t events;
	int r;

	do {
		r = peer_serve(p);
		if (peer_flush(p) < 0)
			r = -EPIPE;
	} while (
	    r == 0 && p->stalled && c->outbox.len == 0 && desk_has_room(c));
	if (r == 0 && !peer_is_done(p)) {
		events = c->outbox.len > 0 ? EPOLLOUT : 0;
		/* A peer that does not read is not read from either. */
		if (!p->eof && !p->stalled)
			events |= EPOLLIN;
		if (events == p->events)
			return;
		p->events = events;
		r = loop_modify(p->peers->loop, &p->io, events);
		if (r == 0)
			return;
	}
	peer_close(p);
}

static void
on_peer_event(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct peer *p = CONTAINER_OF(io, struct peer, io);

	(void)now;
	if (events & (EPOLLHUP | EPOLLERR))
		p->gone = true;
	if (peer_read(p) < 0)
		peer_close(p);
	else
		peer_work(p);
}

/* With nothing yet but what it is made of; NULL: no memory. */
static struct peer *
peer_new(struct peers *s, struct door *door, int fd)
{
	/* Not zeroed: most of it is buffers that many peers never fill. */
	struct peer *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	memset(p, 0, offsetof(struct peer, in));
	if (outbox_init(&p->customer.outbox) < 0) {
		free(p);
		return NULL;
	}
	p->peers = s;
	p->door = door;
	p->customer.desk = s->desk;
	p->customer.role = door->role;
	p->io = (struct loop_io){ .fd = fd, .on_event = on_peer_event };
	p->events = EPOLLIN;
	return p;
}

int
peers_add(struct peers *s, struct door *door, int fd)
{
	struct peer *p = peer_new(s, door, fd);
	int r = p ? loop_add(s->loop, &p->io, p->events) : -ENOMEM;

	if (r < 0) {
		if (p)
			peer_free(p);
		return r;
	}
	p->next = s->first;
	p->link = &s->first;
	if (p->next)
		p->next->link = &p->next;
	s->first = p;
	door_entered(door);
	return 0;
}

void
peers_answered(struct peers *s, struct customer *c)
{
	struct peer *p = CONTAINER_OF(c, struct peer, customer);

	if (p->due)
		return;
	p->due = true;
	p->due_next = s->due;
	s->due = p;
}

void
peers_work(struct peers *s)
{
	struct peer *p;

	while ((p = s->due)) {
		s->due = p->due_next;
		p->due = false;
		peer_work(p);
	}
}

void
peers_close(struct peers *s)
{
	while (s->first)
		peer_close(s->first);
}
