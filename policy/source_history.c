/* SPDX-License-Identifier: ISC */
/* Facts from what clients did before. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/explanation.h"
#include "policy/mismatch.h"
#include "policy/remembered.h"
#include "policy/source.h"

struct source {
	struct rules *rules;
	struct loop *loop;
	struct history_memory settings; /* what the rules say of it */
	struct remembered *history;     /* NULL: nothing is remembered */
	struct remembered *left;        /* of earlier rules, at other places */
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
		remembered_reap(&s->left, true);
		free(s);
	}
	return NULL;
}

static void
history_inherit(struct source *s, struct source *old)
{
	struct remembered *h = old->history;

	s->left = old->left;
	old->left = NULL;
	/* LMDB must not have one file open twice in a process. */
	if (h && strcmp(h->path, s->rules->history) == 0) {
		remembered_use(h, &s->settings);
		s->history = remembered_ref(h);
	} else if (h && h->ops->leave) {
		old->history = NULL;
		remembered_leave(h, &s->left);
	}
}

/* Another table size takes effect with the next start. */
static bool
history_refresh(struct source *s, struct source_note *note)
{
	remembered_reap(&s->left, false);
	/* Back at a place that was just left it starts when that has ended. */
	if (!s->history && *s->rules->history != '\0' &&
	    !remembered_is_leaving(s->left, s->rules->history))
		s->history = remembered_new(&s->settings, s->rules);
	return s->history && remembered_refresh(s->history, note);
}

/*
 * Facts
 */

static void
add_scaled(struct inquiry *q, enum named_fact which, uint32_t strength)
{
	struct fact fact = rules_fact(q->rules, which);
	int64_t weight = (int64_t)fact.weight * strength;
	int64_t half = HISTORY_STRENGTH_MAX / 2;

	assert(named_fact_fades(which));
	fact.weight = (int32_t)((weight < 0 ? weight - half : weight + half) /
	    HISTORY_STRENGTH_MAX);
	facts_add(&q->facts, &fact);
}

static const char *
scope_name(enum history_scope scope)
{
	static const char *const names[HISTORY_SCOPE_COUNT] = {
		[HISTORY_NOBODY] = "",
		[HISTORY_V4_HOST] = "the address",
		[HISTORY_V4_NET] = "its /24",
		[HISTORY_V6_HOST] = "its /64",
		[HISTORY_V6_NET] = "its /56",
	};

	return names[scope];
}

/* " on SERVER", where that is kept elsewhere. */
static const char *
print_place(const struct source *s, char *buf, size_t size)
{
	bool elsewhere = s->history->ops->fetch != NULL;

	snprintf(buf, size, "%s%.200s", elsewhere ? ", on " : "",
	    elsewhere ? s->history->memory.place : "");
	return buf;
}

/* Says of the last fact what record of the host it rests on. */
static void
explain_host(struct source *s, struct inquiry *q,
    const struct history_record *rec, enum history_kind kind)
{
	uint32_t now = s->history->memory.now, amount = rec->amount[kind];
	char age[AGE_SIZE], place[256];
	int64_t ago = (int64_t)now - rec->when[kind];

	if (!q->explain)
		return;
	inquiry_explain(q, q->facts.n - 1, "%s, last %s ago, %u.%u times%s",
	    scope_name((enum history_scope)rec->scope),
	    explanation_age(ago, age), amount / HISTORY_ONE,
	    amount % HISTORY_ONE * 10 / HISTORY_ONE,
	    print_place(s, place, sizeof(place)));
	inquiry_explain_count(q, (amount + HISTORY_ONE - 1) / HISTORY_ONE, ago);
}

/* The same of the network that has lent it. */
static void
explain_net(struct source *s, struct inquiry *q,
    const struct history_record *net, unsigned int hosts)
{
	uint32_t now = s->history->memory.now, last = 0;
	char age[AGE_SIZE], place[256];

	if (!q->explain)
		return;
	for (size_t i = 0; i < HISTORY_HOSTS_MAX; i++)
		last = net->when[i] > last ? net->when[i] : last;
	inquiry_explain(q, q->facts.n - 1,
	    "lent by %u hosts of %s, last %s ago, none was caught%s", hosts,
	    scope_name((enum history_scope)net->scope),
	    explanation_age((int64_t)now - last, age),
	    print_place(s, place, sizeof(place)));
	inquiry_explain_count(q, hosts, (int64_t)now - last);
}

/* What is bad of a host fades; each kind is a fact of its own. */
static void
add_learned(
    struct source *s, struct inquiry *q, const struct history_record *rec)
{
	static const struct {
		enum history_kind kind;
		enum named_fact fact;
	} learned[] = {
		{ HISTORY_ABANDONED, FACT_HISTORY_ABANDONED },
		{ HISTORY_PREGREET, FACT_HISTORY_PREGREET },
	};
	const struct history_memory *m = &s->history->memory;

	for (size_t i = 0; i < ARRAY_SIZE(learned); i++) {
		uint32_t strength =
		    history_strength(rec, &m->fading, learned[i].kind, m->now);
		size_t since = q->facts.n;

		if (strength == 0)
			continue;
		add_scaled(q, learned[i].fact, strength);
		if (q->facts.n > since)
			explain_host(s, q, rec, learned[i].kind);
	}
}

/* What a network's hosts have earned is for the machines of one sender: it is
 * not lent to an address that has itself lately left, or been caught. */
static unsigned int
lent_by(const struct source *s, const struct history_record *host,
    const struct history_record *net)
{
	const struct history_memory *m = &s->history->memory;
	unsigned int hosts;

	if (!net || s->rules->lend_after == 0)
		return 0;
	if (host &&
	    (history_strength(host, &m->fading, HISTORY_PREGREET, m->now) >=
		    HISTORY_STRENGTH_MAX / 2 ||
		history_strength(host, &m->fading, HISTORY_ABANDONED, m->now) >=
		    HISTORY_STRENGTH_MAX / 2))
		return 0;
	hosts = history_net_hosts(net, &m->fading, m->now);
	return hosts >= s->rules->lend_after ? hosts : 0;
}

/* Patience stands in the reason though it weighs nothing: what it takes away
 * does not. */
static void
mention_patience(struct inquiry *q)
{
	struct fact fact = rules_fact(q->rules, FACT_HISTORY_PATIENT);

	facts_mention(&q->facts, &fact);
}

/* Whether it need not wait (again). */
static void
add_first_contact(struct source *s, struct inquiry *q,
    const struct history_record *host, const struct history_record *net)
{
	const struct history_memory *m = &s->history->memory;
	unsigned int hosts;

	if (host && history_is_patient(host, &m->fading, m->now)) {
		mention_patience(q);
		explain_host(s, q, host, HISTORY_PATIENT);
	} else if ((hosts = lent_by(s, host, net)) > 0) {
		mention_patience(q);
		explain_net(s, q, net, hosts);
	} else if (host &&
	    history_strength(host, &m->fading, HISTORY_SEEN, m->now) > 0) {
		size_t since = q->facts.n;

		rules_add_named(q->rules, FACT_HISTORY_SEEN, &q->facts);
		if (q->facts.n > since)
			explain_host(s, q, host, HISTORY_SEEN);
	}
}

/* The facts that the table's records make.  Who has only ever left, or was only
 * ever caught, is a stranger still: to have come once must not be to its
 * advantage. */
static void
add_facts(struct source *s, struct inquiry *q)
{
	struct history_key key[HISTORY_KEYS_MAX];
	const struct history_record *host = NULL, *net = NULL;

	rules_add_named(q->rules, FACT_HISTORY_NONE, &q->facts);
	if (!s->history)
		return;
	history_keys(&q->addr, key);
	host = history_table_find(s->history->memory.table, &key[0]);
	net = history_table_find(s->history->memory.table, &key[1]);
	add_first_contact(s, q, host, net);
	if (host)
		add_learned(s, q, host);
}

/* The store could not be asked, or was too slow: the table's record, if it has
 * one, may be old. */
static void
mention_unanswered(struct source *s, struct inquiry *q)
{
	const struct remembered *h = s->history;
	const char *why = h->ops->why(h->store);
	struct fact fact = rules_fact(q->rules, FACT_HISTORY_UNANSWERED);
	size_t since = q->facts.n;

	q->left_out = true;
	facts_mention(&q->facts, &fact);
	if (q->explain)
		inquiry_explain(q, since, "%s: %s", h->memory.place,
		    *why != '\0' ? why : "no answer in time");
}

/*
 * Waiting for the store
 */

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

	q->history_open = false;
	add_facts(s, q);
	if (a->unanswered)
		mention_unanswered(s, q);
	asking_free(a);
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
	q->history_open = true;
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
	bool known = knows_all(s->history, key, n);

	if (!known && !q->hurry && start_asking(s, q, key, n))
		return SOURCE_WAITS;
	add_facts(s, q);
	if (!known)
		mention_unanswered(s, q);
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

/* What is bad of one host is not said of its neighbours, which are often others;
 * but their network is no longer one sender's, of whom all are patient. */
static void
history_learn(
    struct source *s, const struct in6_addr *addr, enum learned learned)
{
	struct history_key key[HISTORY_KEYS_MAX];
	struct remembered *h = s->history;

	if (!h)
		return;
	history_keys(addr, key);
	switch (learned) {
	case LEARNED_PATIENT:
		remembered_add(h, &key[0], HISTORY_PATIENT);
		remembered_net_add(h, &key[1], (uint8_t)key[0].bits);
		break;
	case LEARNED_SEEN:
		remembered_add(h, &key[0], HISTORY_SEEN);
		break;
	case LEARNED_ABANDONED:
		remembered_add(h, &key[0], HISTORY_ABANDONED);
		break;
	case LEARNED_PREGREET:
		remembered_add(h, &key[0], HISTORY_PREGREET);
		remembered_net_catch(h, &key[1]);
		break;
	case LEARNED_HELD:
		remembered_add(h, &key[0], HISTORY_ABANDONED);
		remembered_net_catch(h, &key[1]);
		break;
	case LEARNED_LISTED:
		remembered_net_catch(h, &key[1]);
		break;
	}
}

/* What files of before say; see struct rules. */
static void
history_mismatch(const struct source *s, struct mismatch *m)
{
	if (s->rules->patient_weight != 0)
		mismatch_add(m, "%s=%" PRIi32 " (has no weight any more)",
		    named_fact_key(FACT_HISTORY_PATIENT),
		    s->rules->patient_weight);
}

const struct source_ops source_history = {
	.open = history_open,
	.free = history_free,
	.inherit = history_inherit,
	.refresh = history_refresh,
	.ask = history_ask,
	.cancel = history_cancel,
	.mismatch = history_mismatch,
	.learn = history_learn,
};
