/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/starttls.h"

#include <errno.h>
#include <time.h>

#include "bin/tarpitd/hold.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/throttle.h"
#include "bin/tarpitd/tls.h"

#define LOOK_INTERVAL (24 * 3600 * USEC_PER_SEC)

/* As in throttle: one registration, whatever it waits for. */
enum { WATCHED_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP };

static struct starttls *
starttls_of(const struct dispatcher *d, const struct session *s)
{
	return &d->starttls.slot[pool_slot(&d->pool, s)];
}

int
starttls_init(struct dispatcher *d)
{
	d->starttls.slot =
	    pool_reserve(d->pool.capacity + 1, sizeof(*d->starttls.slot));
	return d->starttls.slot == NULL ? -ENOMEM : 0;
}

void
starttls_fini(struct dispatcher *d)
{
	pool_release(
	    d->starttls.slot, d->pool.capacity + 1, sizeof(*d->starttls.slot));
}

bool
starttls_is_offered(const struct dispatcher *d, const struct session *s)
{
	return d->config->tls != NULL && s->tls == NULL;
}

bool
starttls_permits_throttle(const struct dispatcher *d)
{
	return d->config->tls != NULL || config_has_no_tls(d->config);
}

/* Held clients, who have nothing to lose by stalling, do not get all. */
static bool
is_busy(struct dispatcher *d, const struct session *s)
{
	uint32_t max = (uint32_t)d->config->max_handshakes;
	uint64_t now = loop_now(d->loop);

	if (s->lane == LANE_HOLD)
		max /= 2;
	if (d->starttls.n_active < max)
		return false;
	if (journal_is_due(&d->starttls.next_busy, now))
		journal_event(d->journal, EVENT_TLS_BUSY,
		    "%u TLS handshakes are all that MaxHandshakes= allows: "
		    "more clients are told 454",
		    d->starttls.n_active);
	return true;
}

int
starttls_prepare(struct dispatcher *d, struct session *s)
{
	struct starttls *h = starttls_of(d, s);
	int r;

	if (is_busy(d, s))
		return -EBUSY;
	*h = (struct starttls){ .d = d, .queued = h->queued, .next = h->next };
	r = tls_session_new(d->config->tls, s->fd, &h->session);
	if (r < 0)
		return r;
	h->active = true;
	d->starttls.n_active++;
	s->flags |= SESSION_STARTTLS;
	return 0;
}

/* ---- the queue ---- */

/* One whose session has ended meanwhile stays, and is passed over. */
static void
enqueue(struct dispatcher *d, struct starttls *h)
{
	struct starttls_store *store = &d->starttls;
	uint32_t slot = (uint32_t)(h - store->slot);

	if (h->queued)
		return;
	h->queued = true;
	h->next = POOL_NONE;
	if (store->first == POOL_NONE)
		store->first = slot;
	else
		store->slot[store->last].next = slot;
	store->last = slot;
}

/* The next session whose handshake may go on, or NULL. */
static struct session *
dequeue(struct dispatcher *d)
{
	struct starttls_store *store = &d->starttls;

	while (store->first != POOL_NONE) {
		uint32_t slot = store->first;
		struct session *s = &d->pool.session[slot];

		store->first = store->slot[slot].next;
		store->slot[slot].queued = false;
		if (s->state == SESSION_HANDSHAKE && s->tls != NULL)
			return s;
	}
	return NULL;
}

static void
on_ready(struct loop_io *io, uint32_t events, uint64_t now)
{
	struct starttls *h = CONTAINER_OF(io, struct starttls, io);

	(void)events;
	(void)now;
	enqueue(h->d, h);
}

/* ---- the handshake ---- */

/* It is over, one way or the other. */
static void
retire(struct dispatcher *d, struct starttls *h)
{
	if (h->watched)
		loop_remove(d->loop, &h->io);
	h->watched = false;
	if (h->active)
		d->starttls.n_active--;
	h->active = false;
}

static enum session_state
go_on(struct dispatcher *d, struct session *s, bool secured, uint64_t now)
{
	retire(d, starttls_of(d, s));
	return s->lane == LANE_THROTTLE ? throttle_go_on(d, s, secured, now)
					: hold_go_on(d, s, secured, now);
}

static void
begin(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct starttls *h = starttls_of(d, s);

	s->flags &= (uint8_t)~SESSION_STARTTLS;
	s->tls = h->session;
	h->session = NULL;
	s->deadline = dispatcher_msec(d, now + d->config->handshake_timeout);
	h->io =
	    (struct loop_io){ .fd = s->fd, .bulk = true, .on_event = on_ready };
	h->watched = loop_add(d->loop, &h->io, WATCHED_EVENTS | EPOLLET) == 0;
}

enum session_state
starttls_visit(struct dispatcher *d, struct session *s, uint64_t now)
{
	struct starttls *h = starttls_of(d, s);

	if (s->tls == NULL) {
		begin(d, s, now);
	} else if (session_is_due(d, s, now)) {
		h->timed_out = true;
		return go_on(d, s, false, now);
	}
	/* If the lane throttle watches the socket already, its events are
	 * visits; without memory for either the sweep's have to do. */
	if (!h->watched)
		enqueue(d, h);
	return SESSION_HANDSHAKE;
}

bool
starttls_run(struct dispatcher *d, uint64_t now)
{
	struct session *s = dequeue(d);
	int r;

	if (s == NULL)
		return false;
	r = tls_handshake(s->tls);
	if (r == 0 && now >= d->starttls.next_look)
		starttls_review(d, now);
	if (r != -EAGAIN)
		session_go_on(d, s, go_on(d, s, r == 0, now), now);
	return d->starttls.first != POOL_NONE;
}

const char *
starttls_error(const struct dispatcher *d, const struct session *s)
{
	if (s->tls == NULL)
		return NULL;
	return starttls_of(d, s)->timed_out ? "timed out"
					    : tls_session_error(s->tls);
}

void
starttls_note_failure(const struct dispatcher *d, struct session *s)
{
	if (starttls_error(d, s) != NULL && !starttls_of(d, s)->timed_out)
		s->flags |= SESSION_REFUSED;
}

void
starttls_end(struct dispatcher *d, struct session *s)
{
	struct starttls *h;

	if (s->tls == NULL && (s->flags & SESSION_STARTTLS) == 0)
		return;
	h = starttls_of(d, s);
	retire(d, h);
	s->tls = tls_session_free(s->tls);
	h->session = tls_session_free(h->session);
}

/* ---- the certificate ---- */

void
starttls_review(struct dispatcher *d, uint64_t now)
{
	const struct config *c = d->config;
	char from[TLS_DATE_SIZE], until[TLS_DATE_SIZE];
	struct record record;

	d->starttls.next_look = now + LOOK_INTERVAL;
	if (!starttls_permits_throttle(d) && c->backend[0] != '\0')
		journal_event(d->journal, EVENT_TLS_MISSING,
		    "[Tls] Certificate= is empty: sessions that are to be "
		    "throttled go through slow");
	if (c->tls == NULL || !tls_is_expired(c->tls, time(NULL)))
		return;
	tls_print_dates(c->tls, from, until);
	record_begin(&record, EVENT_TLS_EXPIRED,
	    "%s: valid from %s to %s, which is not now", c->tls_certificate,
	    from, until);
	record_field(&record, "TARPIT_FILE", "%s", c->tls_certificate);
	journal_send(d->journal, &record);
}
