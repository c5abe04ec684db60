/* SPDX-License-Identifier: ISC */
/* Facts from what clients did before. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/explanation.h"
#include "policy/remembered.h"
#include "policy/source.h"

struct source {
	struct rules *rules;
	struct loop *loop;
	struct history_memory settings; /* what the rules say of it */
	struct remembered *history;     /* NULL: nothing is remembered */
	struct asking *asking;
};

/* A client for whom the store is asked. */
struct asking {
	struct source *source;
	struct inquiry *inquiry;
	struct asking *next, **link;
	struct timer deadline;
	size_t open; /* records that are still to come */
	bool unanswered;
	struct awaited {
		struct history_wait wait;
		struct asking *asking;
	} record[HISTORY_KEYS_MAX];
};

/*
 * Opening
 */

static int
history_open(struct source **ret_source, struct rules *rules, struct loop *loop)
{
	struct source *s = calloc(1, sizeof(*s));
	struct history_memory *m;

	if (!s)
		return -ENOMEM;
	s->rules = rules;
	s->loop = loop;
	m = &s->settings;
	m->loop = loop;
	m->read_only = rules->read_only;
	m->cache_time = (uint32_t)(rules->history_cache / USEC_PER_SEC);
	m->timeout = rules->dns_timeout;
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++)
		m->fading.half_life[i] =
		    (uint32_t)(rules->half_life[i] / USEC_PER_SEC);
	*ret_source = s;
	return 0;
}

static void asking_free(struct asking *);

static struct source *
history_free(struct source *s)
{
	if (s) {
		while (s->asking)
			asking_free(s->asking);
		remembered_unref(s->history);
		free(s);
	}
	return NULL;
}

static void
history_inherit(struct source *s, struct source *old)
{
	struct remembered *h = old->history;

	/* LMDB must not have one file open twice in a process. */
	if (!h || strcmp(h->path, s->rules->history) != 0)
		return;
	remembered_use(h, &s->settings);
	s->history = remembered_ref(h);
}

/* Another table size takes effect with the next start. */
static bool
history_refresh(struct source *s, struct source_note *note)
{
	if (!s->history && *s->rules->history != '\0')
		s->history = remembered_new(&s->settings, s->rules);
	return s->history && remembered_refresh(s->history, note);
}

/*
 * Facts
 */

static void
add_scaled(struct inquiry *q, enum named_fact which, uint32_t strength)
{
	int64_t weight = (int64_t)q->rules->named[which] * strength;
	int64_t half = HISTORY_STRENGTH_MAX / 2;

	weight =
	    (weight < 0 ? weight - half : weight + half) / HISTORY_STRENGTH_MAX;
	facts_add(&q->facts,
	    &(struct fact){ .kind = FACT_NAMED,
		.weight = (int32_t)weight,
		.name = named_fact_key(which) });
}

static uint32_t
strength_of(const struct source *s, const struct history_key *key,
    enum history_kind kind)
{
	const struct history_memory *m = &s->history->memory;
	const struct history_record *rec = history_table_find(m->table, key);

	return rec ? history_strength(rec, &m->fading, kind, m->now) : 0;
}

/* Says of the last fact what record it rests on. */
static void
explain_record(struct source *s, struct inquiry *q,
    const struct history_key *key, enum history_kind kind)
{
	static const char *const scopes[HISTORY_SCOPE_COUNT] = {
		[HISTORY_V4_HOST] = "the address",
		[HISTORY_V4_NET] = "its /24",
		[HISTORY_V6_NET] = "its /64",
	};
	const struct history_memory *m = &s->history->memory;
	const struct history_record *rec = history_table_find(m->table, key);
	bool is_elsewhere = s->history->ops->fetch != NULL;
	char age[AGE_SIZE];

	if (!rec || rec->amount[kind] == 0)
		return;
	inquiry_explain(q, q->facts.n - 1, "%s, last %s ago, %u.%u times%s%s",
	    scopes[key->scope],
	    explanation_age((int64_t)m->now - rec->when[kind], age),
	    rec->amount[kind] / HISTORY_ONE,
	    rec->amount[kind] % HISTORY_ONE * 10 / HISTORY_ONE,
	    is_elsewhere ? ", on " : "", is_elsewhere ? m->place : "");
}

/* The facts that the table's records make. */
static void
add_facts(struct source *s, struct inquiry *q)
{
	struct history_key key[HISTORY_KEYS_MAX];
	static const enum named_fact facts[HISTORY_KIND_COUNT] = {
		[HISTORY_PATIENT] = FACT_HISTORY_PATIENT,
		[HISTORY_ABANDONED] = FACT_HISTORY_ABANDONED,
		[HISTORY_PREGREET] = FACT_HISTORY_PREGREET,
	};
	uint32_t strength[HISTORY_KIND_COUNT] = { 0 }, lent = 0;
	bool by_net;
	size_t n = history_keys(&q->addr, key);

	if (s->history) {
		for (size_t i = 0; i < HISTORY_KIND_COUNT; i++)
			strength[i] =
			    strength_of(s, &key[0], (enum history_kind)i);
		if (n > 1)
			lent = strength_of(s, &key[1], HISTORY_PATIENT);
	}
	/* A network's patience is for the machines of one sender; it is not
	 * lent to an address that was itself caught. */
	by_net = lent > strength[HISTORY_PATIENT] &&
	    strength[HISTORY_PREGREET] < HISTORY_STRENGTH_MAX / 2;
	if (by_net)
		strength[HISTORY_PATIENT] = lent;
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++) {
		if (strength[i] == 0)
			continue;
		add_scaled(q, facts[i], strength[i]);
		if (q->explain)
			explain_record(s, q,
			    &key[i == HISTORY_PATIENT && by_net],
			    (enum history_kind)i);
	}
	/* Who has only ever left, or was only ever caught, has not been seen
	 * to wait either: to have come once must not be to its advantage. */
	if (strength[HISTORY_PATIENT] == 0)
		rules_add_named(q->rules, FACT_HISTORY_NONE, &q->facts);
}

/* The store could not be asked, or was too slow: the table's record, if it has
 * one, may be old. */
static void
mention_unanswered(struct source *s, struct inquiry *q)
{
	const struct remembered *h = s->history;
	const char *why = h->ops->why(h->store);
	size_t since = q->facts.n;

	facts_mention(&q->facts,
	    &(struct fact){ .kind = FACT_NAMED,
		.weight = q->rules->named[FACT_HISTORY_UNANSWERED],
		.name = named_fact_key(FACT_HISTORY_UNANSWERED) });
	if (q->explain)
		inquiry_explain(q, since, "%s: %s", h->memory.place,
		    *why != '\0' ? why : "no answer in time");
}

/*
 * Waiting for the store
 */

/* What the history may add to the score, at least and at most. */
static void
add_range(struct inquiry *q, int sign)
{
	for (int i = FACT_HISTORY_NONE; i <= FACT_HISTORY_UNANSWERED; i++) {
		int64_t weight = q->rules->named[i];

		if (weight < 0)
			q->open_least += sign * weight;
		else
			q->open_most += sign * weight;
	}
}

static void
asking_free(struct asking *a)
{
	struct source *s = a->source;

	for (size_t i = 0; i < HISTORY_KEYS_MAX; i++)
		s->history->ops->cancel(&a->record[i].wait);
	loop_cancel(s->loop, &a->deadline);
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
	free(a);
}

static void
finish_asking(struct asking *a)
{
	struct inquiry *q = a->inquiry;
	struct source *s = a->source;

	add_range(q, -1);
	if (a->unanswered)
		mention_unanswered(s, q);
	asking_free(a);
	add_facts(s, q);
	source_answered(q);
}

static void
on_fetched(struct history_wait *wait, bool answered)
{
	struct asking *a = CONTAINER_OF(wait, struct awaited, wait)->asking;
	struct remembered *h = a->source->history;

	a->unanswered = a->unanswered || !answered;
	if (--a->open > 0)
		return;
	/* This may be the last question of rules that were replaced; but the
	 * store that calls us must not go while it does. */
	remembered_ref(h);
	finish_asking(a);
	remembered_unref_later(h);
}

static void
on_deadline(struct timer *t, uint64_t now)
{
	struct asking *a = CONTAINER_OF(t, struct asking, deadline);

	(void)now;
	a->unanswered = true;
	finish_asking(a);
}

static struct asking *
asking_new(struct source *s, struct inquiry *q)
{
	struct asking *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->source = s;
	a->inquiry = q;
	a->deadline.on_timer = on_deadline;
	a->next = s->asking;
	a->link = &s->asking;
	if (a->next)
		a->next->link = &a->next;
	s->asking = a;
	return a;
}

/* Asks for those of the N records that are not known.  False: none of them can
 * be asked for. */
static bool
start_asking(struct source *s, struct inquiry *q, const struct history_key *key,
    size_t n)
{
	const struct remembered *h = s->history;
	struct asking *a = asking_new(s, q);

	if (!a)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct awaited *r = &a->record[i];

		r->asking = a;
		r->wait.on_fetched = on_fetched;
		if (h->ops->knows(h->store, &key[i]))
			continue;
		if (h->ops->fetch(h->store, &key[i], &r->wait))
			a->open++;
		else
			a->unanswered = true;
	}
	if (a->open == 0) {
		asking_free(a);
		return false;
	}
	loop_arm(s->loop, &a->deadline, loop_now(s->loop) + h->memory.timeout);
	add_range(q, 1);
	return true;
}

static bool
knows_all(const struct remembered *h, const struct history_key *key, size_t n)
{
	if (!h || !h->ops->knows)
		return true;
	while (n > 0 && h->ops->knows(h->store, &key[n - 1]))
		n--;
	return n == 0;
}

static enum source_ask
history_ask(struct source *s, struct inquiry *q)
{
	struct history_key key[HISTORY_KEYS_MAX];
	size_t n = history_keys(&q->addr, key);

	if (!knows_all(s->history, key, n)) {
		if (start_asking(s, q, key, n))
			return SOURCE_WAITS;
		mention_unanswered(s, q);
	}
	add_facts(s, q);
	return SOURCE_DONE;
}

static void
history_cancel(struct source *s, struct inquiry *q)
{
	for (struct asking *a = s->asking; a; a = a->next) {
		if (a->inquiry == q) {
			asking_free(a);
			return;
		}
	}
}

/*
 * Learning
 */

/* What is bad of one host is not said of its IPv4 network: the neighbours are
 * often others. */
static void
history_learn(
    struct source *s, const struct in6_addr *addr, enum learned learned)
{
	struct history_key key[HISTORY_KEYS_MAX];
	size_t n = history_keys(addr, key);

	if (!s->history)
		return;
	switch (learned) {
	case LEARNED_PATIENT:
		for (size_t i = 0; i < n; i++)
			remembered_add(s->history, &key[i], HISTORY_PATIENT);
		break;
	case LEARNED_PASSED:
		for (size_t i = 0; i < n; i++)
			remembered_renew(s->history, &key[i]);
		break;
	case LEARNED_ABANDONED:
		remembered_add(s->history, &key[0], HISTORY_ABANDONED);
		break;
	case LEARNED_PREGREET:
		remembered_add(s->history, &key[0], HISTORY_PREGREET);
		break;
	}
}

const struct source_ops source_history = {
	.name = "history",
	.open = history_open,
	.free = history_free,
	.inherit = history_inherit,
	.refresh = history_refresh,
	.ask = history_ask,
	.cancel = history_cancel,
	.learn = history_learn,
};
