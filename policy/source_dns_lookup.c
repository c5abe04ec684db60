/* SPDX-License-Identifier: ISC */
/* What the DNS is asked about one client. */
#include <string.h>

#include "data/cidr.h"
#include "policy/engine.h"
#include "policy/explanation.h"
#include "policy/source_dns_internal.h"

/* Clients whose look-ups are under way. */
enum { LOOKUPS_MAX = RULES_QUESTIONS_MAX };

/* What is asked of one client. */
struct lookup {
	struct source *source;
	struct inquiry *inquiry;
	struct lookup *next, **link;
	struct timer deadline;
	bool starting; /* it must not end yet */
	bool unanswered;
	bool paid, refused; /* of the budget of its network; neither: not yet */
	bool rdns_open;     /* the rdns facts are not known yet */
	bool confirmed, generic, forward_failed;
	bool more_names;             /* than are looked at */
	char name[DNS_TEXT_MAX + 1]; /* the first; only to explain */
	size_t n_forward;
	struct resolver_wait reverse;
	struct forward {
		struct resolver_wait wait;
		struct lookup *lookup;
		bool open;
	} forward[DNS_NAMES_MAX];
	size_t zones_open;
	struct zone_wait {
		struct resolver_wait wait;
		struct lookup *lookup;
		bool open;
	} zone[DNSBL_MAX];
};

/*
 * What can still change
 */

/* Whatever is still to come, the lane is the same. */
static bool
is_decided(const struct lookup *l)
{
	const struct source *s = l->source;
	struct outlook o = { .history = l->inquiry->history_open };

	if (l->rdns_open) {
		o.others_least += s->rdns_least;
		o.others_most += s->rdns_most;
	}
	for (size_t i = 0; i < s->n_zones; i++) {
		if (!l->zone[i].open)
			continue;
		o.others_least += s->zone[i].least;
		o.others_most += s->zone[i].most;
		o.allow_list = o.allow_list || s->zone[i].least < 0;
	}
	return engine_is_decided(s->rules, &l->inquiry->facts, &o);
}

/*
 * The end of a look-up
 */

void
source_dns_lookup_free(struct lookup *l)
{
	struct source *s = l->source;

	loop_cancel(s->loop, &l->deadline);
	resolver_cancel(&l->reverse);
	for (size_t i = 0; i < DNS_NAMES_MAX; i++)
		resolver_cancel(&l->forward[i].wait);
	for (size_t i = 0; i < s->n_zones; i++)
		resolver_cancel(&l->zone[i].wait);
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	s->n_lookups--;
	free(l);
}

static void
mention_unanswered(struct inquiry *q)
{
	struct fact fact = rules_fact(q->rules, FACT_DNS_UNANSWERED);

	q->left_out = true;
	facts_mention(&q->facts, &fact);
}

static bool
is_finished(const struct lookup *l)
{
	return (!l->rdns_open && l->zones_open == 0) || is_decided(l);
}

static void
finish(struct lookup *l)
{
	struct inquiry *q = l->inquiry;

	if (l->unanswered)
		mention_unanswered(q);
	source_dns_lookup_free(l);
	source_answered(q);
}

/* Something has come. */
static void
proceed(struct lookup *l)
{
	if (!l->starting && is_finished(l))
		finish(l);
}

static void
on_deadline(struct timer *t, uint64_t now)
{
	struct lookup *l = CONTAINER_OF(t, struct lookup, deadline);

	(void)now;
	l->unanswered = true;
	finish(l);
}

/*
 * What may be asked
 */

/* One look-up is everything that is asked about a client. */
static bool
is_paid(struct lookup *l)
{
	struct source *s = l->source;

	if (l->paid || l->refused)
		return l->paid;
	l->paid = !s->budget ||
	    dns_budget_spend(s->budget, &l->inquiry->addr, loop_now(s->loop));
	l->refused = !l->paid;
	l->inquiry->over_budget = l->refused;
	return l->paid;
}

/* As resolver_ask(); fails at once if what is not known may not be asked. */
static const struct dns_answer *
ask_name(struct lookup *l, const char *name, enum dns_type type,
    struct resolver_wait *wait)
{
	static const struct dns_answer refused = { .status = DNS_FAILED };
	struct resolver *r = l->source->resolver;

	if (!resolver_knows(r, name, type) && !is_paid(l))
		return &refused;
	return resolver_ask(r, name, type, false, wait);
}

/*
 * Reverse names
 */

static void
end_rdns(struct lookup *l)
{
	struct inquiry *q = l->inquiry;
	size_t since = q->facts.n;

	l->rdns_open = false;
	/* A name that could not be looked up, or is one too many, is not said
	 * not to lead back, nor to be generic. */
	if (!l->confirmed && (l->forward_failed || l->more_names))
		l->unanswered = true;
	else if (!l->confirmed)
		rules_add_named(q->rules, FACT_RDNS_UNCONFIRMED, &q->facts);
	if (l->generic && !l->more_names)
		rules_add_named(q->rules, FACT_RDNS_GENERIC, &q->facts);
	else if (l->confirmed && !l->generic)
		rules_add_named(q->rules, FACT_RDNS_OK, &q->facts);
	if (q->explain)
		inquiry_explain(q, since, "%s", l->name);
}

static void
take_forward(struct forward *f, const struct dns_answer *answer)
{
	struct lookup *l = f->lookup;

	f->open = false;
	l->n_forward--;
	/* An address beyond those that are kept may be this one. */
	l->forward_failed =
	    l->forward_failed || answer->status == DNS_FAILED || answer->more;
	for (size_t i = 0; i < answer->n; i++) {
		if (memcmp(&answer->address[i], &l->inquiry->addr,
			sizeof(answer->address[i])) == 0)
			l->confirmed = true;
	}
	if (l->rdns_open && (l->confirmed || l->n_forward == 0))
		end_rdns(l);
}

static void
on_forward(struct resolver_wait *w, const struct dns_answer *answer)
{
	struct forward *f = CONTAINER_OF(w, struct forward, wait);

	take_forward(f, answer);
	proceed(f->lookup);
}

/* All names are asked for before an answer ends it: COPY, since each question
 * may take the answer's place in the cache. */
static void
ask_forward(struct lookup *l, const struct dns_answer *answer)
{
	enum dns_type type =
	    cidr_addr_is_v4(&l->inquiry->addr) ? DNS_A : DNS_AAAA;
	struct dns_answer copy = { .n = answer->n };

	memcpy(copy.name, answer->name, answer->n * sizeof(copy.name[0]));
	l->n_forward = copy.n;
	for (size_t i = 0; i < copy.n; i++) {
		struct forward *f = &l->forward[i];
		const struct dns_answer *now;

		f->lookup = l;
		f->open = true;
		f->wait.on_answer = on_forward;
		now = ask_name(l, copy.name[i], type, &f->wait);
		if (now)
			take_forward(f, now);
	}
}

static void
take_reverse(struct lookup *l, const struct dns_answer *answer)
{
	struct inquiry *q = l->inquiry;

	switch (answer->status) {
	case DNS_FOUND:
		if (q->explain)
			memcpy(l->name, answer->name[0], sizeof(l->name));
		l->generic = true;
		l->more_names = answer->more;
		for (size_t i = 0; i < answer->n; i++)
			l->generic = l->generic &&
			    rdns_rules_match(
				l->source->generic, answer->name[i], &q->addr);
		ask_forward(l, answer);
		break;
	case DNS_NOTHING:
		l->rdns_open = false;
		rules_add_named(q->rules, FACT_RDNS_NONE, &q->facts);
		break;
	case DNS_FAILED:
		l->rdns_open = false;
		l->unanswered = true;
		break;
	}
}

static void
on_reverse(struct resolver_wait *w, const struct dns_answer *answer)
{
	struct lookup *l = CONTAINER_OF(w, struct lookup, reverse);
	bool starting = l->starting;

	l->starting = true;
	take_reverse(l, answer);
	l->starting = starting;
	proceed(l);
}

static void
start_rdns(struct lookup *l)
{
	const struct dns_answer *now;
	char name[DNS_NAME_SIZE];

	dnsbl_name(&l->inquiry->addr, NULL, name);
	l->reverse.on_answer = on_reverse;
	now = ask_name(l, name, DNS_PTR, &l->reverse);
	if (now)
		take_reverse(l, now);
}

/*
 * Zones
 */

/* What is remembered of the client's network, in place of an answer. */
static void
take_remembered(struct lookup *l, size_t zone)
{
	struct source *s = l->source;
	struct dns_answer answer;

	if (dns_budget_is_listed(
		s->budget, &l->inquiry->addr, zone, loop_now(s->loop), &answer))
		source_dns_add_listing(l->inquiry, &s->zone[zone], &answer);
}

static void
note_answer(struct lookup *l, size_t zone, const struct dns_answer *answer)
{
	struct source *s = l->source;

	if (s->budget)
		dns_budget_note(s->budget, &l->inquiry->addr, zone, answer,
		    loop_now(s->loop));
}

static void
take_zone(struct zone_wait *w, const struct dns_answer *answer)
{
	struct lookup *l = w->lookup;
	struct zone *z = &l->source->zone[w - l->zone];
	uint32_t refusal;

	w->open = false;
	l->zones_open--;
	if (answer->status == DNS_FAILED) {
		l->unanswered = true;
		if (l->refused && z->good)
			take_remembered(l, (size_t)(w - l->zone));
	} else if (answer->status == DNS_FOUND &&
	    (refusal = source_dns_refusal(answer)) != 0) {
		l->unanswered = true;
		source_dns_zone_refuses(z, refusal);
	} else if (z->good) {
		note_answer(l, (size_t)(w - l->zone), answer);
		source_dns_add_listing(l->inquiry, z, answer);
	}
}

static void
on_zone(struct resolver_wait *w, const struct dns_answer *answer)
{
	struct zone_wait *z = CONTAINER_OF(w, struct zone_wait, wait);

	take_zone(z, answer);
	proceed(z->lookup);
}

static void
start_zone(struct lookup *l, size_t i)
{
	struct zone_wait *w = &l->zone[i];
	const struct dns_answer *now;
	char name[DNS_NAME_SIZE];

	dnsbl_name(&l->inquiry->addr, l->source->zone[i].name, name);
	w->wait.on_answer = on_zone;
	now = ask_name(l, name, DNS_A, &w->wait);
	if (now)
		take_zone(w, now);
}

/*
 * Questions
 */

static struct lookup *
lookup_new(struct source *s, struct inquiry *q)
{
	struct lookup *l;

	if (s->n_lookups == LOOKUPS_MAX || !(l = calloc(1, sizeof(*l))))
		return NULL;
	l->source = s;
	l->inquiry = q;
	l->starting = true;
	l->deadline.on_timer = on_deadline;
	l->next = s->lookups;
	l->link = &s->lookups;
	if (l->next)
		l->next->link = &l->next;
	s->lookups = l;
	s->n_lookups++;
	return l;
}

/* What there is to ask, before any of it is asked. */
static void
open_all(struct lookup *l)
{
	struct source *s = l->source;
	enum zone_family family =
	    cidr_addr_is_v4(&l->inquiry->addr) ? ZONE_V4 : ZONE_V6;

	l->rdns_open = s->wants_rdns;
	for (size_t i = 0; i < s->n_zones; i++) {
		l->zone[i].lookup = l;
		l->zone[i].open = s->zone[i].good && s->zone[i].asks[family];
		l->zones_open += l->zone[i].open;
	}
}

enum source_ask
source_dns_ask(struct source *s, struct inquiry *q)
{
	struct lookup *l;

	if (!s->resolver)
		return SOURCE_DONE;
	l = lookup_new(s, q);
	if (!l) {
		mention_unanswered(q);
		return SOURCE_DONE;
	}
	open_all(l);
	/* What could not change anything is not missed. */
	if (q->hurry) {
		if (!is_finished(l))
			mention_unanswered(q);
		source_dns_lookup_free(l);
		return SOURCE_DONE;
	}
	for (size_t i = 0; i < s->n_zones && !is_finished(l); i++) {
		if (l->zone[i].open)
			start_zone(l, i);
	}
	if (!is_finished(l) && l->rdns_open)
		start_rdns(l);
	l->starting = false;
	if (!is_finished(l)) {
		loop_arm(s->loop, &l->deadline,
		    loop_now(s->loop) + s->rules->dns_timeout);
		return SOURCE_WAITS;
	}
	if (l->unanswered)
		mention_unanswered(q);
	source_dns_lookup_free(l);
	return SOURCE_DONE;
}

void
source_dns_cancel(struct source *s, struct inquiry *q)
{
	for (struct lookup *l = s->lookups; l; l = l->next) {
		if (l->inquiry == q) {
			source_dns_lookup_free(l);
			return;
		}
	}
}
