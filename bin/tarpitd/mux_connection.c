/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>

#include "bin/tarpitd/mux_internal.h"

/* A client whose connection was lost is served on another one so often. */
enum { ATTEMPTS_MAX = 3 };

#define BACKOFF_MAX (2 * USEC_PER_SEC)

/* ---- health ---- */

void
mux_set_down(struct mux *m, bool down, const char *why)
{
	m->known = !down;
	m->down = down;
	if (!journal_flaps(&m->flap, down, loop_now(m->loop)))
		return;
	if (down)
		journal_event(m->journal, EVENT_BACKEND_DOWN,
		    "the MTA at %s does not serve throttled sessions: %s",
		    m->backend, why);
	else
		journal_event(m->journal, EVENT_BACKEND_UP,
		    "the MTA at %s serves throttled sessions", m->backend);
}

void
mux_retry_later(struct mux *m, uint64_t now)
{
	if (timer_is_armed(&m->retry))
		return;
	loop_arm(m->loop, &m->retry, now + m->backoff);
	if (m->backoff < BACKOFF_MAX)
		m->backoff *= 2;
}

/* The MTA does not let us say who the client is.  It might after a change of
 * its configuration, so every new connection looks again. */
static void
set_unusable(struct mux *m, bool unusable)
{
	if (unusable)
		mux_set_down(m, true,
		    "it does not let us use XCLIENT (see "
		    "smtpd_authorized_xclient_hosts)");
	m->unusable = unusable;
}

/* ---- connections ---- */

/* Neither has anything to do with the other any more. */
void
mux_part(struct mux *m, struct connection *c)
{
	if (c->borrower != 0)
		m->place[c->borrower].connection = NULL;
	c->borrower = 0;
}

/* An MTA that has said good-bye to the client each time means it. */
static void
try_again(
    struct mux *m, uint32_t slot, const char *reply, size_t len, uint64_t now)
{
	struct mux_place *p = &m->place[slot];

	m->lost++;
	if (++p->attempts < ATTEMPTS_MAX && mux_queue(m, slot, true) == 0)
		return;
	p->state = PLACE_NONE;
	m->on_done(
	    m->arg, slot, len > 0 ? MUX_SAID : MUX_FAILED, reply, len, now);
}

static enum mux_result
to_result(enum upstream_result result)
{
	switch (result) {
	case UPSTREAM_SAID:
	case UPSTREAM_KEPT:
		return MUX_SAID;
	case UPSTREAM_CHANGED:
		return MUX_CHANGED;
	case UPSTREAM_GONE:
		return MUX_GONE;
	case UPSTREAM_UNSURE:
		return MUX_UNSURE;
	case UPSTREAM_TIMED_OUT:
		return MUX_TIMED_OUT;
	case UPSTREAM_LOST:
	case UPSTREAM_NO_IDENTITY:
	case UPSTREAM_SPOILED:
		break;
	}
	return MUX_FAILED;
}

/* Without an answer to anybody since C was lent, the MTA is slow for all, and
 * the client is not to blame. */
enum mux_result
mux_note_timeout(struct connection *c, uint64_t now)
{
	struct mux *m = c->mux;

	m->timed_out++;
	if (c->answered == m->answered)
		return MUX_SILENT;
	if (c->party != NULL)
		fair_blame(&m->queue, c->party, now);
	return MUX_TIMED_OUT;
}

static void
on_done(struct upstream *u, enum upstream_result result, const char *reply,
    size_t len, uint64_t now)
{
	struct connection *c = CONTAINER_OF(u, struct connection, upstream);
	struct mux *m = c->mux;
	uint32_t slot = c->borrower;
	enum mux_result answer = to_result(result);

	/* Before the client hears: it may go on, or leave, at once. */
	if (result != UPSTREAM_KEPT || !c->may_park)
		mux_part(m, c);
	if (result == UPSTREAM_NO_IDENTITY)
		set_unusable(m, true);
	if (result == UPSTREAM_LOST) {
		try_again(m, slot, reply, len, now);
		return;
	}
	if (answer == MUX_TIMED_OUT)
		answer = mux_note_timeout(c, now);
	m->answered += answer == MUX_SAID || answer == MUX_CHANGED;
	m->place[slot].state = PLACE_NONE;
	m->on_done(m->arg, slot, answer, reply, len, now);
}

void
mux_set_use(struct connection *c, enum connection_use use)
{
	struct mux *m = c->mux;

	m->n_opening -= c->use == OPENING;
	m->n_idle -= c->use == IDLE;
	m->n_parked -= c->use == PARKED;
	if (use != LENT && c->party != NULL) {
		fair_give_back(&m->queue, c->party);
		c->party = NULL;
	}
	c->use = use;
	m->n_opening += c->use == OPENING;
	m->n_idle += c->use == IDLE;
	m->n_parked += c->use == PARKED;
}

/* The first time: what the MTA offers, and whether it is of use. */
static bool
is_welcome(struct mux *m, const struct upstream *u)
{
	bool usable = m->proxied || u->has_xclient;

	m->offers = u->offers;
	set_unusable(m, !usable);
	if (!usable)
		return false;
	m->backoff = MUX_BACKOFF_FIRST;
	mux_set_down(m, false, NULL);
	return true;
}

static void
on_idle(struct upstream *u, uint64_t now)
{
	struct connection *c = CONTAINER_OF(u, struct connection, upstream);
	struct mux *m = c->mux;
	bool asked = c->use == OPENING && u->probes;

	mux_set_use(c, IDLE);
	/* With PROXY, one that has asked is nobody's. */
	if ((asked && (!is_welcome(m, u) || u->proxied)) || m->n > m->max ||
	    c->generation != m->generation) {
		mux_set_use(c, ENDING);
		upstream_quit(u, now);
	}
}

/* One that is nobody's is for the next who waits, or given up by the flush at
 * the end of the batch. */
static void
on_open(struct upstream *u, uint64_t now)
{
	struct connection *c = CONTAINER_OF(u, struct connection, upstream);

	c->parked_at = now;
	mux_set_use(c, PARKED);
}

static void
drop(struct mux *m, struct connection *c)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->connection[i] == c) {
			m->connection[i] = m->connection[--m->n];
			break;
		}
	free(c);
}

/* What was parked is lost, or taken from its client: if that wants to go on,
 * it has to begin anew. */
void
mux_leave_parked(struct mux *m, struct connection *c)
{
	uint32_t slot = c->borrower;

	mux_part(m, c);
	if (slot == 0 || m->place[slot].state != PLACE_RESUMING)
		return;
	m->n_resuming--;
	if (mux_queue(m, slot, true) == 0)
		return;
	m->place[slot].state = PLACE_NONE;
	m->on_done(m->arg, slot, MUX_FAILED, NULL, 0, loop_now(m->loop));
}

static void
on_closed(struct upstream *u, const char *why, uint64_t now)
{
	struct connection *c = CONTAINER_OF(u, struct connection, upstream);
	struct mux *m = c->mux;
	bool opening = c->use == OPENING;
	bool outdated = c->generation != m->generation;

	mux_leave_parked(m, c);
	mux_set_use(c, ENDING);
	drop(m, c);
	if (opening && why != NULL)
		mux_set_down(m, true, why);
	if (opening || outdated || m->unusable)
		mux_retry_later(m, now);
}

static bool
is_wanted(struct upstream *u)
{
	struct connection *c = CONTAINER_OF(u, struct connection, upstream);

	return c->borrower != 0 && c->mux->is_there(c->mux->arg, c->borrower);
}

static const struct upstream_handler handler = {
	.on_done = on_done,
	.on_idle = on_idle,
	.on_open = on_open,
	.on_closed = on_closed,
	.is_wanted = is_wanted,
};

int
mux_connect(struct mux *m, uint64_t now)
{
	AUTO_FREE struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return -ENOMEM;
	c->mux = m;
	c->generation = m->generation;
	c->use = ENDING;
	c->upstream = (struct upstream){ .loop = m->loop,
		.handler = &handler,
		.host_name = m->host_name,
		.timeout = m->timeout,
		.proxied = m->proxied,
		.probes = !m->proxied || !m->known,
		.offers = m->offers };
	r = upstream_open(&c->upstream, &m->address, m->address_len, now);
	if (r < 0)
		return r;
	mux_set_use(c, OPENING);
	m->opened++;
	m->connection[m->n++] = c;
	c = NULL;
	return 0;
}
