/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "bin/tarpit-policyd/doors.h"

static bool
is_full(const struct door *d)
{
	return d->role == DOOR_EXPLAINS && d->n_inside >= EXPLAIN_MAX;
}

void
doors_reopen(struct doors *s)
{
	if (!s->full)
		return;
	s->full = false;
	for (size_t i = 0; i < s->n; i++) {
		if (!is_full(&s->door[i]))
			acceptor_start(&s->door[i].acceptor);
	}
}

void
door_entered(struct door *d)
{
	d->doors->counts->connections++;
	d->n_inside++;
}

void
door_left(struct door *d)
{
	d->doors->counts->connections--;
	d->n_inside--;
	if (d->doors->full)
		doors_reopen(d->doors);
	else if (d->n_inside == EXPLAIN_MAX - 1)
		acceptor_start(&d->acceptor);
}

void
doors_check(struct doors *s, size_t max)
{
	if (s->full || s->counts->connections < max)
		return;
	s->full = true;
	if (journal_is_due(&s->next_full, loop_now(s->loop)))
		journal_event(s->journal, EVENT_ACCEPT_PAUSED,
		    "All %zu connections (MaxConnections=) are taken; others "
		    "wait",
		    max);
	for (size_t i = 0; i < s->n; i++)
		acceptor_stop(&s->door[i].acceptor);
}

void
door_check(struct door *d, uint64_t now)
{
	if (!is_full(d))
		return;
	acceptor_stop(&d->acceptor);
	if (journal_is_due(&d->next_full, now))
		journal_event(d->doors->journal, EVENT_ACCEPT_PAUSED,
		    "All %d connections for explanations are taken; others "
		    "wait",
		    EXPLAIN_MAX);
}

static void
on_accept(struct acceptor *a, int fd, const struct sockaddr_storage *from,
    uint64_t now)
{
	struct door *d = CONTAINER_OF(a, struct door, acceptor);

	(void)from;
	d->doors->on_enter(d, fd, now);
}

static void
on_pause(struct acceptor *a, int error)
{
	struct doors *s = CONTAINER_OF(a, struct door, acceptor)->doors;

	if (error < 0 && journal_is_due(&s->next_pause, loop_now(s->loop)))
		journal_event(s->journal, EVENT_ACCEPT_PAUSED,
		    "No connection can be accepted for now: %s",
		    strerror(-error));
}

int
doors_open(struct doors *s, const struct server_door *where, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct door *d = &s->door[i];
		int r;

		d->doors = s;
		d->role = where[i].role;
		d->acceptor.on_accept = on_accept;
		d->acceptor.on_pause = on_pause;
		r = acceptor_init(&d->acceptor, s->loop, where[i].fd);
		if (r < 0)
			return r;
		s->n++;
	}
	return 0;
}

void
doors_close(struct doors *s)
{
	while (s->n > 0)
		acceptor_fini(&s->door[--s->n].acceptor);
}
