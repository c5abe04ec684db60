/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "bin/common/attrs.h"
#include "bin/common/fd.h"
#include "bin/tarpit-policyd/flow.h"
#include "bin/tarpit-policyd/peer.h"

/* A message at least, so that the largest one fits. */
enum { IN_SIZE = 2 * ATTRS_MAX };

struct peer {
	struct loop_io io;
	struct peers *peers;
	struct peer *next, **link;
	struct peer *due_next, **due_link; /* NULL: no late answers */
	struct customer customer;
	struct door *door;
	enum flow flow;
	uint32_t events; /* what the loop watches for */
	size_t in_len;
	char in[IN_SIZE];
};

/* The only assignment to .flow but the first. */
static void
peer_enter(struct peer *p, enum flow_event e)
{
	p->flow = flow_next(p->flow, e);
}

static void
forget_due(struct peer *p)
{
	if (!p->due_link)
		return;
	*p->due_link = p->due_next;
	if (p->due_next)
		p->due_next->due_link = p->due_link;
	p->due_link = NULL;
}

/* Takes what complete messages there are, as far as there is room. */
static enum flow_event
peer_serve(struct peer *p)
{
	struct customer *c = &p->customer;
	size_t at = 0, len;
	bool full = false;
	int r;

	while ((r = attrs_find_end(p->in + at, p->in_len - at, &len)) == 0) {
		full = !desk_has_room(c);
		if (full)
			break;
		desk_take(c, p->in + at, len);
		at += len;
	}
	p->in_len -= at;
	memmove(p->in, p->in + at, p->in_len);
	if (r != -EMSGSIZE)
		return full ? FLOW_FULL : FLOW_ROOM;
	desk_tell_error(c->desk, "a message does not end");
	return FLOW_FAULT;
}

static void
peer_read(struct peer *p)
{
	ssize_t n;

	if (!flow_reads(p->flow) || p->in_len == IN_SIZE)
		return;
	n = recv(p->io.fd, p->in + p->in_len, IN_SIZE - p->in_len, 0);
	if (n > 0)
		p->in_len += (size_t)n;
	else if (n == 0)
		peer_enter(p, FLOW_END);
	else if (errno != EAGAIN && errno != EINTR)
		peer_enter(p, FLOW_FAULT);
}

/* 0 or -errno. */
static int
peer_flush(struct peer *p)
{
	if (!flow_answers(p->flow))
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

/* Takes, answers and sends for as long as one makes room for the other.  What
 * was answered before something bad came is still sent. */
static void
serve_all(struct peer *p)
{
	struct customer *c = &p->customer;
	enum flow_event e;
	int r;

	do {
		e = peer_serve(p);
		r = peer_flush(p);
		peer_enter(p, r < 0 ? FLOW_FAULT : e);
	} while (
	    r == 0 && e == FLOW_FULL && c->outbox.len == 0 && desk_has_room(c));
}

static void
watch(struct peer *p)
{
	/* A peer that does not read is not read from either. */
	uint32_t events = (p->customer.outbox.len > 0 ? EPOLLOUT : 0u) |
	    (flow_reads(p->flow) ? EPOLLIN : 0u);

	if (events == p->events)
		return;
	p->events = events;
	if (loop_modify(p->peers->loop, &p->io, events) < 0)
		peer_enter(p, FLOW_FAULT);
}

/* Does all that can be done for P now, and closes it if that was all. */
static void
peer_work(struct peer *p)
{
	const struct customer *c = &p->customer;

	if (p->flow != FLOW_CLOSED)
		serve_all(p);
	peer_enter(
	    p, c->outbox.len > 0 || c->asker.n > 0 ? FLOW_REST : FLOW_SETTLED);
	if (p->flow != FLOW_CLOSED)
		watch(p);
	if (p->flow == FLOW_CLOSED)
		peer_close(p);
}

static void
on_peer_event(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct peer *p = CONTAINER_OF(io, struct peer, io);

	(void)now;
	if (events & (EPOLLHUP | EPOLLERR))
		peer_enter(p, FLOW_HANG_UP);
	peer_read(p);
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
	p->flow = FLOW_TALKING;
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

	if (p->due_link)
		return;
	p->due_next = s->due;
	p->due_link = &s->due;
	if (p->due_next)
		p->due_next->due_link = &p->due_next;
	s->due = p;
}

void
peers_work(struct peers *s)
{
	struct peer *p;

	while ((p = s->due)) {
		forget_due(p);
		peer_work(p);
	}
}

void
peers_close(struct peers *s)
{
	while (s->first)
		peer_close(s->first);
}
