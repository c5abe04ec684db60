/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/folding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bin/tarpitd/dispatcher.h"
#include "bin/tarpitd/record.h"

#define MINUTE (60 * USEC_PER_SEC)

enum {
	/* Of nobody's there may be one for each lane and outcome, observed or
	 * not. */
	NOBODYS_MAX = LANE_COUNT * OUTCOME_COUNT * 2,
	/* Addresses that have a record in a minute: more than that are folded
	 * whatever RecordsPerClient= is, so that memory is bounded. */
	RECENT_MAX = 200000,
};

static void
on_minute(struct timer *t, uint64_t now)
{
	struct folding *f = CONTAINER_OF(t, struct folding, minute);

	folding_flush(f->d, now);
}

int
folding_init(struct dispatcher *d)
{
	struct folding *f = &d->folding;

	f->d = d;
	f->minute.on_timer = on_minute;
	f->fold = pool_reserve(FOLDS_MAX + NOBODYS_MAX, sizeof(*f->fold));
	if (f->fold == NULL)
		return -ENOMEM;
	return clients_init(&f->recent, RECENT_MAX);
}

void
folding_fini(struct dispatcher *d)
{
	struct folding *f = &d->folding;

	loop_cancel(d->loop, &f->minute);
	pool_release(f->fold, FOLDS_MAX + NOBODYS_MAX, sizeof(*f->fold));
	f->fold = NULL;
	clients_fini(&f->recent);
}

void
folding_flush(struct dispatcher *d, uint64_t now)
{
	struct folding *f = &d->folding;

	for (uint32_t i = 0; i < f->n_folds; i++)
		record_fold(d, &f->fold[i], now - f->began);
	pool_discard(f->fold, 0, f->n_folds, sizeof(*f->fold));
	f->n_folds = 0;
	f->n_recent = 0;
	clients_clear(&f->recent);
	clients_trim(&f->recent);
	loop_cancel(d->loop, &f->minute);
}

/* ---- this minute ---- */

static uint32_t
times(int64_t limit, int64_t factor)
{
	limit *= factor;
	return limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
}

/* True if S is one too many: by *RET_WIDTH, or CLIENT_WIDTHS: of all. */
static bool
is_one_too_many(const struct dispatcher *d, const struct session *s,
    enum client_width *ret_width)
{
	const struct folding *f = &d->folding;
	int64_t limit = d->config->records_per_client;
	struct client_limits limits = { .max = {
					    [CLIENT_HOST] = times(limit, 1),
					    [CLIENT_NETWORK] = times(
						limit, FOLD_NETWORK_FACTOR),
					    [CLIENT_SITE] = times(
						limit, FOLD_NETWORK_FACTOR),
					} };

	*ret_width = clients_exceeds(&f->recent, &s->client, &limits);
	return *ret_width != CLIENT_WIDTHS ||
	    f->n_recent >= times(limit, FOLD_ALL_FACTOR) ||
	    f->n_recent >= RECENT_MAX;
}

/* ---- the folds ---- */

static bool
is_of(const struct fold *f, const struct session *s,
    const struct in6_addr *prefix, unsigned int len)
{
	return f->lane == s->lane && f->outcome == s->outcome &&
	    f->prefix_len == len && IN6_ARE_ADDR_EQUAL(&f->prefix, prefix) &&
	    f->observed == ((s->flags & SESSION_OBSERVED) != 0);
}

static struct fold *
begin(struct dispatcher *d, struct fold *f, const struct session *s)
{
	const struct verdict_text *v = verdict_text(&d->strings, s->verdict);

	f->lane = s->lane;
	f->outcome = s->outcome;
	f->observed = (s->flags & SESSION_OBSERVED) != 0;
	f->client = s->client;
	f->number = s->number;
	f->rate = s->rate;
	f->verdict_lane = s->verdict_lane;
	if (v != NULL) {
		f->score = v->score;
		f->asn = v->asn;
		memcpy(f->country, v->country, sizeof(f->country));
	}
	record_reason(d, s, f->reason, sizeof(f->reason));
	return f;
}

static struct fold *
find(struct dispatcher *d, const struct session *s, enum client_width width)
{
	struct folding *f = &d->folding;
	struct in6_addr prefix = in6addr_any;
	unsigned int len = 0;
	struct fold *fold;

	for (int nobody = 0; nobody < 2; nobody++) {
		uint32_t max = nobody ? FOLDS_MAX + NOBODYS_MAX : FOLDS_MAX;

		if (nobody || width == CLIENT_WIDTHS ||
		    !clients_prefix(&s->client, width, &prefix, &len)) {
			prefix = in6addr_any;
			len = 0;
			max = FOLDS_MAX + NOBODYS_MAX;
		}
		for (uint32_t i = 0; i < f->n_folds; i++)
			if (is_of(&f->fold[i], s, &prefix, len))
				return &f->fold[i];
		if (f->n_folds < max) {
			fold = &f->fold[f->n_folds++];
			memset(fold, 0, sizeof(*fold));
			fold->prefix = prefix;
			fold->prefix_len = (uint8_t)len;
			return begin(d, fold, s);
		}
	}
	return NULL; /* cannot be: nobody's has room for every kind */
}

bool
folding_takes(
    struct dispatcher *d, const struct session *s, uint32_t held, uint64_t now)
{
	struct folding *f = &d->folding;
	enum client_width width;
	struct fold *fold;

	if (d->config->records_per_client == 0)
		return false;
	if (!timer_is_armed(&f->minute)) {
		f->began = now;
		loop_arm(d->loop, &f->minute, now + MINUTE);
	}
	clients_add(&f->recent, &s->client, 1);
	if (!is_one_too_many(d, s, &width)) {
		f->n_recent++;
		return false;
	}
	clients_remove(&f->recent, &s->client, 1);
	fold = find(d, s, width);
	if (fold == NULL)
		return false;
	fold->n++;
	fold->held += held;
	fold->bytes_in += s->bytes_in;
	fold->bytes_out += s->bytes_out;
	f->folded++;
	return true;
}
