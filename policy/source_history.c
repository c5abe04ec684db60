/* SPDX-License-Identifier: ISC */
/* Facts from what clients did before. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "policy/explanation.h"
#include "policy/history.h"
#include "policy/history_store.h"
#include "policy/history_table.h"
#include "policy/source.h"

/* A second looks at so much of the table for what has faded. */
enum { SWEEP_SHARE = 4096 };

/* What outlives a reload. */
struct remembered {
	struct history_memory memory;
	char *path; /* as configured */
	const struct history_store_ops *ops;
	struct history_store *store;
};

struct source {
	struct rules *rules;
	struct loop *loop;
	struct history_fading fading;
	struct remembered *history; /* NULL: nothing is remembered */
};

/*
 * Opening
 */

static uint32_t
wall_clock(void)
{
	return (uint32_t)time(NULL);
}

static struct remembered *
remembered_free(struct remembered *h)
{
	if (h) {
		if (h->store)
			h->ops->free(h->store);
		history_table_free(h->memory.table);
		free(h->path);
		free(h);
	}
	return NULL;
}

static struct remembered *
remembered_new(struct loop *loop, const struct rules *rules)
{
	struct remembered *h = calloc(1, sizeof(*h));
	uint64_t seed = 0;

	if (!h)
		return NULL;
	h->memory.loop = loop;
	h->memory.read_only = rules->read_only;
	h->path = strdup(rules->history);
	h->ops = &history_disk;
	/* Without a random number the places are merely known. */
	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	if (h->path &&
	    history_table_new(
		(size_t)rules->history_max, seed, &h->memory.table) == 0)
		h->store = h->ops->new (&h->memory, h->path);
	return h->store ? h : remembered_free(h);
}

static int
history_open(struct source **ret_source, struct rules *rules, struct loop *loop)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->rules = rules;
	s->loop = loop;
	for (size_t i = 0; i < HISTORY_KIND_COUNT; i++)
		s->fading.half_life[i] =
		    (uint32_t)(rules->half_life[i] / USEC_PER_SEC);
	*ret_source = s;
	return 0;
}

static struct source *
history_free(struct source *s)
{
	if (s) {
		remembered_free(s->history);
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
	h->memory.fading = s->fading;
	s->history = h;
	old->history = NULL;
}

static void
forget(void *arg, const struct history_record *rec)
{
	struct remembered *h = arg;

	h->ops->gone(h->store, rec);
}

/* Another table size takes effect with the next start. */
static bool
history_refresh(struct source *s, struct source_note *note)
{
	struct history_memory *m;
	bool told;

	if (!s->history && *s->rules->history != '\0') {
		s->history = remembered_new(s->loop, s->rules);
		if (s->history)
			s->history->memory.fading = s->fading;
	}
	if (!s->history)
		return false;
	m = &s->history->memory;
	m->now = wall_clock();
	told = s->history->ops->refresh(s->history->store, note);
	history_table_sweep(m->table, &m->fading,
	    history_table_size(m->table) / SWEEP_SHARE + 1, m->now, forget,
	    s->history);
	note->has_data = true;
	snprintf(note->file, sizeof(note->file), "%s", m->place);
	return told;
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
	char age[AGE_SIZE];

	if (!rec || rec->amount[kind] == 0)
		return;
	inquiry_explain(q, q->facts.n - 1, "%s, last %s ago, %u.%u times",
	    scopes[key->scope],
	    explanation_age((int64_t)m->now - rec->when[kind], age),
	    rec->amount[kind] / HISTORY_ONE,
	    rec->amount[kind] % HISTORY_ONE * 10 / HISTORY_ONE);
}

static enum source_ask
history_ask(struct source *s, struct inquiry *q)
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
	return SOURCE_DONE;
}

static void
add_outcome(
    struct remembered *h, const struct history_key *key, enum history_kind kind)
{
	struct history_memory *m = &h->memory;
	struct history_record gone, *rec;

	rec = history_table_put(m->table, &m->fading, key, &gone);
	if (gone.scope != HISTORY_NOBODY)
		h->ops->gone(h->store, &gone);
	if (history_add(rec, &m->fading, kind, m->now))
		h->ops->changed(h->store, rec);
}

static void
renew(struct remembered *h, const struct history_key *key)
{
	struct history_memory *m = &h->memory;
	struct history_record *rec = history_table_find(m->table, key);

	if (rec && history_renew(rec, &m->fading, HISTORY_PATIENT, m->now))
		h->ops->changed(h->store, rec);
}

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
			add_outcome(s->history, &key[i], HISTORY_PATIENT);
		break;
	case LEARNED_PASSED:
		for (size_t i = 0; i < n; i++)
			renew(s->history, &key[i]);
		break;
	case LEARNED_ABANDONED:
		add_outcome(s->history, &key[0], HISTORY_ABANDONED);
		break;
	case LEARNED_PREGREET:
		add_outcome(s->history, &key[0], HISTORY_PREGREET);
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
	.learn = history_learn,
};
