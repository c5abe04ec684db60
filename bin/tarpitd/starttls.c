/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/starttls.h"

#include <errno.h>
#include <time.h>

#include "bin/common/clock.h"
#include "bin/tarpitd/hold.h"
#include "bin/tarpitd/session.h"
#include "bin/tarpitd/throttle.h"
#include "bin/tarpitd/tls.h"

#define LOOK_INTERVAL (24 * 3600 * USEC_PER_SEC)

/* One part in so many of the time is for handshakes: of held sessions, who
 * have nothing to lose by any number of them; of all.  A second at rest is
 * worth SHARE_CREDIT of it at once, which is 18 handshakes of held sessions
 * with RSA 2048. */
enum { HELD_SHARE = 5, ALL_SHARE = 2 };
#define SHARE_CREDIT (100 * USEC_PER_MSEC)

/* As in throttle: one registration, whatever it waits for. */
enum { WATCHED_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP };

static struct starttls *
starttls_of(const struct dispatcher *d, const struct session *s)
{
	return &d->starttls.slot[pool_slot(&d->pool, s)];
}

/* The time has come: the batch is enough. */
static void
on_share(struct timer *t, uint64_t now)
{
	(void)t;
	(void)now;
}

int
starttls_init(struct dispatcher *d)
{
	d->starttls.slot =
	    pool_reserve(d->pool.capacity + 1, sizeof(*d->starttls.slot));
	d->starttls.share.on_timer = on_share;
	return d->starttls.slot == NULL ? -ENOMEM : 0;
}

void
starttls_fini(struct dispatcher *d)
{
	loop_cancel(d->loop, &d->starttls.share);
	pool_release(
	    d->starttls.slot, d->pool.capacity + 1, sizeof(*d->starttls.slot));
}

uint32_t
starttls_affordable(uint64_t memory)
{
	/* Measured: 19 KB, the kernel's part included. */
	enum { EACH = 20480, LEAST = 100, MOST = 10000 };
	uint64_t n = memory / 8 / EACH;

	if (n < LEAST)
		return LEAST;
	return n > MOST ? MOST : (uint32_t)n;
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

/* The limit that keeps S from a handshake, or NULL. */
static const char *
find_limit(const struct dispatcher *d, const struct session *s)
{
	const struct starttls_store *store = &d->starttls;
	uint32_t max = (uint32_t)d->config->max_handshakes;
	bool held = s->lane == LANE_HOLD;

	/* Held clients, who have nothing to lose by stalling, do not get all. */
	if (store->n_active >= (held ? max / 2 : max))
		return "MaxHandshakes=";
	if (held && store->n_held >= d->max_tls_held)
		return "MaxTlsHeld=";
	/* Those that wait for their share have used up what it allows. */
	if (held && store->held.first != POOL_NONE &&
	    store->held_paid > clock_now())
		return "their fifth of the time";
	return NULL;
}

static bool
is_busy(struct dispatcher *d, const struct session *s)
{
	const char *limit = find_limit(d, s);
	struct record record;

	if (limit == NULL)
		return false;
	d->starttls.refused++;
	if (!journal_is_due(&d->starttls.next_busy, loop_now(d->loop)))
		return true;
	record_begin(&record, EVENT_TLS_BUSY,
	    "%u TLS handshakes and %u held sessions with TLS are all that %s "
	    "allows%s: more clients are told 454",
	    d->starttls.n_active, d->starttls.n_held, limit,
	    s->lane == LANE_HOLD ? " held sessions" : "");
	record_field(&record, "TARPIT_LIMIT", "%s", limit);
	journal_send(d->journal, &record);
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
	h->held = s->lane == LANE_HOLD;
	d->starttls.n_held += h->held;
	s->flags |= SESSION_STARTTLS;
	return 0;
}

/* ---- the queues ---- */

static struct starttls_queue *
queue_of(struct dispatcher *d, const struct session *s)
{
	return s->lane == LANE_HOLD ? &d->starttls.held : &d->starttls.others;
}

/* One whose session has ended meanwhile stays, and is passed over. */
static void
enqueue(struct dispatcher *d, struct starttls *h)
{
	struct starttls_store *store = &d->starttls;
	uint32_t slot = (uint32_t)(h - store->slot);
	struct starttls_queue *q = queue_of(d, &d->pool.session[slot]);

	if (h->queued)
		return;
	h->queued = true;
	h->next = POOL_NONE;
	if (q->first == POOL_NONE)
		q->first = slot;
	else
		store->slot[q->last].next = slot;
	q->last = slot;
}

/* The next session whose handshake may go on, or NULL. */
static struct session *
dequeue(struct dispatcher *d, struct starttls_queue *q)
{
	struct starttls_store *store = &d->starttls;

	while (q->first != POOL_NONE) {
		uint32_t slot = q->first;
		struct session *s = &d->pool.session[slot];

		q->first = store->slot[slot].next;
		store->slot[slot].queued = false;
		if (s->state == SESSION_HANDSHAKE && s->tls != NULL)
			return s;
	}
	return NULL;
}

/* A share of the time, of which CREDIT may have been saved up. */
static void
spend(uint64_t *paid, uint64_t from, uint64_t takes, uint64_t share)
{
	if (*paid + SHARE_CREDIT < from)
		*paid = from - SHARE_CREDIT;
	*paid += takes * share;
}

/* The session whose turn it is; NULL: none, or not before *RET_WHEN. */
static struct session *
choose(struct dispatcher *d, uint64_t now, uint64_t *ret_when)
{
	struct starttls_store *store = &d->starttls;
	struct session *s = NULL;

	*ret_when = store->paid;
	if (store->paid > now)
		return NULL;
	s = dequeue(d, &store->others);
	if (s != NULL)
		return s;
	*ret_when = store->held_paid;
	return store->held_paid > now ? NULL : dequeue(d, &store->held);
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

	s->flags &= (uint16_t)~SESSION_STARTTLS;
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

static bool
has_queued(const struct starttls_store *store)
{
	return store->others.first != POOL_NONE ||
	    store->held.first != POOL_NONE;
}

bool
starttls_run(struct dispatcher *d, uint64_t now)
{
	struct starttls_store *store = &d->starttls;
	uint64_t from, takes, when;
	struct session *s;
	int r;

	if (!has_queued(store))
		return false;
	from = clock_now();
	s = choose(d, from, &when);
	if (s == NULL) {
		if (has_queued(store))
			loop_arm(d->loop, &store->share, when);
		return false;
	}
	r = tls_handshake(s->tls);
	takes = clock_now() - from;
	spend(&store->paid, from, takes, ALL_SHARE);
	if (s->lane == LANE_HOLD)
		spend(&store->held_paid, from, takes, HELD_SHARE);
	if (r == 0 && now >= store->next_look)
		starttls_review(d, now);
	if (r != -EAGAIN)
		session_go_on(d, s, go_on(d, s, r == 0, now), now);
	return has_queued(store);
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
starttls_note_failure(struct session *s)
{
	if (s->tls != NULL && tls_session_disagreed(s->tls))
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
	d->starttls.n_held -= h->held;
	h->held = false;
	s->tls = tls_session_free(s->tls);
	h->session = tls_session_free(h->session);
}

/* ---- the certificate ---- */

static void
tell_expired(struct dispatcher *d, size_t i)
{
	const struct tls *tls = d->config->tls;
	char from[TLS_DATE_SIZE], until[TLS_DATE_SIZE];
	struct record record;

	tls_print_dates(tls, i, from, until);
	record_begin(&record, EVENT_TLS_EXPIRED,
	    "%s: valid from %s to %s, which is not now (%s)", tls_file(tls, i),
	    from, until, tls_kind(tls, i));
	record_field(&record, "TARPIT_FILE", "%s", tls_file(tls, i));
	journal_send(d->journal, &record);
}

void
starttls_review(struct dispatcher *d, uint64_t now)
{
	const struct config *c = d->config;
	time_t wall = time(NULL);

	d->starttls.next_look = now + LOOK_INTERVAL;
	if (!starttls_permits_throttle(d) && c->backend[0] != '\0')
		journal_event(d->journal, EVENT_TLS_MISSING,
		    "[Tls] Certificate= is empty: sessions that are to be "
		    "throttled go through slow");
	for (size_t i = 0; c->tls != NULL && i < tls_count(c->tls); i++)
		if (tls_is_expired(c->tls, i, wall))
			tell_expired(d, i);
}
