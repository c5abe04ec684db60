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

enum {
	/* Changes that wait for the disk; what is more is remembered, but lost
	 * at the end. */
	PENDING_MAX = 1 << 20,
	/* Records a transaction: looking them up takes some 0.2 ms, in which
	 * questions wait. */
	BATCH = 4096,
	/* A second looks at so much of the table for what has faded. */
	SWEEP_SHARE = 4096,
	RETRY_SECONDS = 60,
};

/* Half of the second that a crash may cost; the disk has the other half. */
#define WRITE_DELAY  (500 * USEC_PER_MSEC)
#define WRITE_PERIOD (5 * USEC_PER_MSEC)

/* What outlives a reload. */
struct memory {
	struct loop *loop;
	char *path;
	struct history_table *table;
	struct history_store *store; /* NULL: none could be opened */
	uint32_t now;                /* Unix seconds, of this second */
	uint32_t next_open;
	int told_error; /* of writing */
	char told_why[128];
	struct timer write;
	size_t at, n, size; /* pending[at..n) are still to be written */
	struct history_key *pending;
};

struct source {
	struct rules *rules;
	struct loop *loop;
	struct history_fading fading;
	struct memory *memory; /* NULL: nothing is remembered */
};

/*
 * Writing
 */

/* Room for one more; false if there is none. */
static bool
reserve(struct memory *m)
{
	size_t size = m->size ? m->size * 2 : 1024;
	struct history_key *bigger;

	if (m->n < m->size)
		return true;
	if (m->at > m->n / 2) {
		memmove(m->pending, m->pending + m->at,
		    (m->n - m->at) * sizeof(*m->pending));
		m->n -= m->at;
		m->at = 0;
		return true;
	}
	if (size > PENDING_MAX)
		return false;
	bigger = realloc(m->pending, size * sizeof(*bigger));
	if (!bigger)
		return false;
	m->pending = bigger;
	m->size = size;
	return true;
}

/* REC is to be written, or removed if it is no longer in the table then. */
static void
mark(struct memory *m, const struct history_record *rec)
{
	if (!m->store || rec->dirty || !reserve(m))
		return;
	m->pending[m->n++] =
	    (struct history_key){ rec->bits, (enum history_scope)rec->scope };
	if (m->loop && !timer_is_armed(&m->write))
		loop_arm(m->loop, &m->write, loop_now(m->loop) + WRITE_DELAY);
}

static void
mark_changed(struct memory *m, struct history_record *rec)
{
	size_t n = m->n - m->at;

	mark(m, rec);
	rec->dirty = rec->dirty || m->n - m->at > n;
}

static void
mark_gone(void *arg, const struct history_record *rec)
{
	mark(arg, rec);
}

/* Hands over as much as makes a batch.  False: not now. */
static bool
write_pending(struct memory *m)
{
	size_t n = m->n - m->at;
	struct history_record *batch;

	if (n > BATCH)
		n = BATCH;
	if (n == 0 || history_store_is_busy(m->store))
		return false;
	batch = calloc(n, sizeof(*batch));
	if (!batch)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct history_key *key = &m->pending[m->at + i];
		struct history_record *rec = history_table_find(m->table, key);

		batch[i].bits = key->bits;
		batch[i].scope = (uint8_t)key->scope;
		if (rec) {
			rec->dirty = false;
			batch[i] = *rec;
		}
	}
	m->at += n;
	if (m->at == m->n)
		m->at = m->n = 0;
	history_store_write(m->store, batch, n);
	return true;
}

static void
on_write(struct timer *t, uint64_t now)
{
	struct memory *m = CONTAINER_OF(t, struct memory, write);

	write_pending(m);
	if (m->at < m->n)
		loop_arm(m->loop, t, now + WRITE_PERIOD);
}

/*
 * Opening
 */

static uint32_t
wall_clock(void)
{
	return (uint32_t)time(NULL);
}

static struct memory *
memory_free(struct memory *m)
{
	if (!m)
		return NULL;
	if (m->loop)
		loop_cancel(m->loop, &m->write);
	/* The end is no crash: all is written, unless that fails. */
	while (m->store && m->at < m->n && history_store_error(m->store) == 0) {
		if (!write_pending(m))
			nanosleep(
			    &(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	history_store_free(m->store);
	history_table_free(m->table);
	free(m->pending);
	free(m->path);
	free(m);
	return NULL;
}

static int
memory_new(struct loop *loop, const struct rules *rules, struct memory **ret)
{
	struct memory *m = calloc(1, sizeof(*m));
	uint64_t seed = 0;

	if (!m)
		return -ENOMEM;
	m->loop = loop;
	m->write.on_timer = on_write;
	m->now = wall_clock();
	m->path = strdup(rules->history);
	/* Without a random number the places are merely known. */
	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	if (!m->path ||
	    history_table_new((size_t)rules->history_max, seed, &m->table) <
		0) {
		memory_free(m);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
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
		memory_free(s->memory);
		free(s);
	}
	return NULL;
}

static void
history_inherit(struct source *s, struct source *old)
{
	struct memory *m = old->memory;

	/* LMDB must not have one file open twice in a process. */
	if (!m || strcmp(m->path, s->rules->history) != 0)
		return;
	s->memory = m;
	old->memory = NULL;
}

/* Puts a record that was read into the table. */
static void
restore(void *arg, const struct history_record *rec)
{
	struct source *s = arg;
	struct memory *m = s->memory;
	struct history_key key = { rec->bits, (enum history_scope)rec->scope };
	struct history_record gone, *place;

	if (history_expires(rec, &s->fading) <= m->now) {
		mark(m, rec);
		return;
	}
	place = history_table_put(m->table, &s->fading, &key, &gone);
	history_merge(place, rec);
	if (gone.scope != HISTORY_NOBODY)
		mark(m, &gone);
}

static void
open_store(struct source *s, struct source_note *note)
{
	struct memory *m = s->memory;
	char why[sizeof(m->told_why)] = "";
	size_t bad = 0;
	int r = history_store_open(m->path, history_table_size(m->table),
	    s->rules->read_only, &m->store, why, sizeof(why));

	if (r == 0)
		r = history_store_load(m->store, restore, s, &bad);
	/* What is only read has been read: nothing will be written. */
	if (s->rules->read_only) {
		m->store = history_store_free(m->store);
		m->at = m->n = 0;
		m->next_open = UINT32_MAX;
	}
	note->failed = r < 0;
	if (r < 0)
		snprintf(note->text, sizeof(note->text),
		    "%s; clients are remembered until the service ends",
		    *why ? why : strerror(-r));
	else
		snprintf(note->text, sizeof(note->text),
		    "%zu records of at most %zu; %zu could not be read",
		    history_table_used(m->table), history_table_size(m->table),
		    bad);
}

/* Another table size takes effect with the next start. */
static bool
try_open(struct source *s, struct source_note *note)
{
	struct memory *m = s->memory;

	if (!m) {
		if (*s->rules->history == '\0' ||
		    memory_new(s->loop, s->rules, &s->memory) < 0)
			return false;
		m = s->memory;
	}
	m->now = wall_clock();
	if (m->store || m->now < m->next_open)
		return false;
	m->next_open = m->now + RETRY_SECONDS;
	open_store(s, note);
	if (note->failed && strcmp(m->told_why, note->text) == 0)
		return false;
	snprintf(m->told_why, sizeof(m->told_why), "%.*s",
	    (int)sizeof(m->told_why) - 1, note->text);
	return true;
}

/* Each change between writing and not writing is told once. */
static bool
check_writing(struct memory *m, struct source_note *note)
{
	int error = m->store ? history_store_error(m->store) : 0;

	if (error == m->told_error)
		return false;
	m->told_error = error;
	note->failed = error != 0;
	if (error != 0)
		snprintf(note->text, sizeof(note->text),
		    "cannot write: %s; trying each second", strerror(-error));
	else
		snprintf(note->text, sizeof(note->text), "written again");
	return true;
}

static bool
history_refresh(struct source *s, struct source_note *note)
{
	bool told = try_open(s, note);
	struct memory *m = s->memory;

	if (!m)
		return false;
	if (!told)
		told = check_writing(m, note);
	history_table_sweep(m->table, &s->fading,
	    history_table_size(m->table) / SWEEP_SHARE + 1, m->now, mark_gone,
	    m);
	note->has_data = true;
	snprintf(note->file, sizeof(note->file), "%s", m->path);
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
	const struct history_record *rec =
	    history_table_find(s->memory->table, key);

	return rec ? history_strength(rec, &s->fading, kind, s->memory->now)
		   : 0;
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
	const struct history_record *rec =
	    history_table_find(s->memory->table, key);
	char age[AGE_SIZE];

	if (!rec || rec->amount[kind] == 0)
		return;
	inquiry_explain(q, q->facts.n - 1, "%s, last %s ago, %u.%u times",
	    scopes[key->scope],
	    explanation_age((int64_t)s->memory->now - rec->when[kind], age),
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

	if (s->memory) {
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
    struct source *s, const struct history_key *key, enum history_kind kind)
{
	struct memory *m = s->memory;
	struct history_record gone, *rec;

	rec = history_table_put(m->table, &s->fading, key, &gone);
	if (gone.scope != HISTORY_NOBODY)
		mark(m, &gone);
	if (history_add(rec, &s->fading, kind, m->now))
		mark_changed(m, rec);
}

static void
renew(struct source *s, const struct history_key *key)
{
	struct memory *m = s->memory;
	struct history_record *rec = history_table_find(m->table, key);

	if (rec && history_renew(rec, &s->fading, HISTORY_PATIENT, m->now))
		mark_changed(m, rec);
}

/* What is bad of one host is not said of its IPv4 network: the neighbours are
 * often others. */
static void
history_learn(
    struct source *s, const struct in6_addr *addr, enum learned learned)
{
	struct history_key key[HISTORY_KEYS_MAX];
	size_t n = history_keys(addr, key);

	if (!s->memory)
		return;
	switch (learned) {
	case LEARNED_PATIENT:
		for (size_t i = 0; i < n; i++)
			add_outcome(s, &key[i], HISTORY_PATIENT);
		break;
	case LEARNED_PASSED:
		for (size_t i = 0; i < n; i++)
			renew(s, &key[i]);
		break;
	case LEARNED_ABANDONED:
		add_outcome(s, &key[0], HISTORY_ABANDONED);
		break;
	case LEARNED_PREGREET:
		add_outcome(s, &key[0], HISTORY_PREGREET);
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
