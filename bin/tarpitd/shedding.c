/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/shedding.h"

#include "bin/tarpitd/session.h"
#include "bin/tarpitd/throttle.h"

/* Sessions that are looked at from each end of a list: 3 usec in all, which is
 * less than the newcomer has cost already. */
enum { LOOKS = 32 };

/* Who is to go. */
struct candidate {
	struct session *session; /* NULL: nobody yet */
	int worth;               /* enum throttle_worth; the lowest goes */
	uint32_t share;          /* what its network has; the most goes */
};

struct search {
	struct dispatcher *d;
	uint32_t newcomer_share; /* of the newcomer's network; 0: nobody's */
	uint64_t now;
	struct candidate best;
};

/* One in a transaction goes only for somebody whose network has much less. */
static bool
can_go(const struct search *w, const struct candidate *c)
{
	if (c->worth < THROTTLE_BUSY)
		return true;
	return c->worth == THROTTLE_BUSY && w->newcomer_share > 0 &&
	    c->share > w->newcomer_share + w->d->max_throttled / 8;
}

static void
consider(struct search *w, struct session *s)
{
	struct candidate c = { .session = s };

	if (s->lane == LANE_THROTTLE)
		c.worth = throttle_worth(w->d, s, w->now);
	if (w->best.session != NULL && c.worth > w->best.worth)
		return;
	c.share = clients_count_widest(&w->d->clients, &s->client);
	if (!can_go(w, &c))
		return;
	if (w->best.session == NULL || c.worth < w->best.worth ||
	    c.share > w->best.share)
		w->best = c;
}

/* Of equals the first one that is considered: the oldest. */
static void
search_list(struct search *w, const struct age_list *list)
{
	struct session *session = w->d->pool.session;
	uint32_t slot = list->head;
	uint32_t tail = list->tail;

	for (int i = 0; i < LOOKS && slot != POOL_NONE; i++) {
		consider(w, &session[slot]);
		slot = session[slot].age_next;
	}
	if (slot == POOL_NONE)
		return;
	for (int i = 0; i < LOOKS && tail != POOL_NONE; i++) {
		consider(w, &session[tail]);
		tail = session[tail].age_prev;
	}
}

static void
tell(struct dispatcher *d, enum shed_kind kind, uint64_t now)
{
	static const char *const what[SHED_KINDS] = {
		[SHED_HELD] = "held ones are shed",
		[SHED_THROTTLED] = "throttled ones that deliver nothing are "
				   "shed",
		[SHED_NEWCOMER] = "no other can go, and new ones are told 421",
	};

	if (journal_is_due(&d->next_shedding[kind], now))
		journal_event(d->journal, EVENT_SHEDDING,
		    "%u slowed sessions, %u of them throttled, are all that "
		    "MaxSessions=, ReserveForPass= and MaxThrottled= allow: %s",
		    d->n_slowed, d->in_lane[LANE_THROTTLE], what[kind]);
}

/* One of LANE; false if none can go. */
static bool
shed(struct dispatcher *d, enum lane lane, const struct session *newcomer,
    uint64_t now)
{
	enum shed_kind kind = lane == LANE_HOLD ? SHED_HELD : SHED_THROTTLED;
	struct search w = { .d = d, .now = now };

	if (newcomer != NULL)
		w.newcomer_share =
		    clients_count_widest(&d->clients, &newcomer->client);
	search_list(&w, pool_lane(&d->pool, lane));
	if (w.best.session == NULL)
		return false;
	tell(d, kind, now);
	d->shed[kind]++;
	session_dismiss(d, w.best.session, OUTCOME_SHED, SMTP_OVERLOAD, now);
	return true;
}

static bool
make_room(struct dispatcher *d, const struct session *newcomer, uint64_t now)
{
	bool crowded = d->in_lane[LANE_THROTTLE] >= d->max_throttled;

	if (newcomer->lane == LANE_THROTTLE && crowded &&
	    !shed(d, LANE_THROTTLE, newcomer, now))
		return false;
	if (d->n_slowed < d->max_slowed)
		return true;
	if (shed(d, LANE_HOLD, newcomer, now))
		return true;
	/* For who is to be held nobody else has to go. */
	return newcomer->lane != LANE_HOLD &&
	    shed(d, LANE_THROTTLE, newcomer, now);
}

bool
shedding_make_room(
    struct dispatcher *d, const struct session *newcomer, uint64_t now)
{
	if (make_room(d, newcomer, now))
		return true;
	tell(d, SHED_NEWCOMER, now);
	d->shed[SHED_NEWCOMER]++;
	return false;
}

bool
shedding_make_way(struct dispatcher *d, uint64_t now)
{
	return shed(d, LANE_HOLD, NULL, now) ||
	    shed(d, LANE_THROTTLE, NULL, now);
}
