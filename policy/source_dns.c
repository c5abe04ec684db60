/* SPDX-License-Identifier: ISC */
/* Facts from the DNS: reverse names, block and allow lists. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/fd.h"
#include "data/cidr.h"
#include "policy/dnsbl.h"
#include "policy/engine.h"
#include "policy/explanation.h"
#include "policy/rdns_rules.h"
#include "policy/resolver.h"
#include "policy/source.h"
#include "policy/watch.h"

enum {
	/* Clients whose look-ups are under way. */
	LOOKUPS_MAX = 16384,
	RULES_FILE_MAX = 1 << 20,
	/* RFC 5782 5: 127.0.0.2 is listed, 127.0.0.1 is not. */
	TEST_LISTED = 0,
	TEST_UNLISTED = 1,
	TEST_COUNT
};

/* A zone that was out of order, or that could not be asked, is tried again at
 * the latest after so long. */
#define PROBE_RETRY (5 * USEC_PER_SEC)

static const char *const test_address[TEST_COUNT] = { "127.0.0.2",
	"127.0.0.1" };

/* One zone, whatever number of filters it has in the rules. */
struct zone {
	struct source *source;
	const char *name;
	int64_t least, most; /* what it can add to a score */
	bool good;           /* it has passed its test */
	bool told_bad;
	char why[160]; /* it has not */
	uint64_t next_probe;
	size_t probes; /* under way */
	enum dns_status status[TEST_COUNT];
	bool listed[TEST_COUNT];
	struct zone_probe {
		struct resolver_wait wait;
		struct zone *zone;
	} probe[TEST_COUNT];
};

struct source {
	struct rules *rules;
	struct loop *loop;
	struct resolver *resolver; /* NULL: nothing is to be asked */
	int open_error;
	bool told_open, told_down;
	bool wants_rdns;
	int64_t rdns_least, rdns_most;
	struct watch watch;
	struct rdns_rules *generic; /* NULL: none could be read */
	size_t n_lookups;
	struct lookup *lookups;
	size_t n_zones;
	struct zone zone[DNSBL_MAX];
};

/* What is asked of one client. */
struct lookup {
	struct source *source;
	struct inquiry *inquiry;
	struct lookup *next, **link;
	struct timer deadline;
	bool starting; /* it must not end yet */
	bool unanswered;
	bool rdns_open; /* the rdns facts are not known yet */
	bool confirmed, generic, forward_failed;
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

static void
widen(int64_t value, int64_t *least, int64_t *most)
{
	if (value < *least)
		*least = value;
	if (value > *most)
		*most = value;
}

/* The possible sums of the rdns facts. */
static void
find_rdns_range(struct source *s)
{
	const int32_t *w = s->rules->named;
	int64_t values[] = { w[FACT_RDNS_NONE], w[FACT_RDNS_OK],
		w[FACT_RDNS_GENERIC], w[FACT_RDNS_UNCONFIRMED],
		(int64_t)w[FACT_RDNS_UNCONFIRMED] + w[FACT_RDNS_GENERIC] };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		widen(values[i], &s->rdns_least, &s->rdns_most);
	s->wants_rdns = w[FACT_RDNS_NONE] || w[FACT_RDNS_OK] ||
	    w[FACT_RDNS_GENERIC] || w[FACT_RDNS_UNCONFIRMED];
}

/* Whatever is still to come, the lane is the same. */
static bool
is_decided(const struct lookup *l)
{
	const struct source *s = l->source;
	int64_t score = engine_score(&l->inquiry->facts);
	int64_t least = score + l->inquiry->open_least;
	int64_t most = score + l->inquiry->open_most;

	if (l->rdns_open) {
		least += s->rdns_least;
		most += s->rdns_most;
	}
	for (size_t i = 0; i < s->n_zones; i++) {
		if (!l->zone[i].open)
			continue;
		least += s->zone[i].least;
		most += s->zone[i].most;
	}
	return engine_lane(s->rules, least) == engine_lane(s->rules, most);
}

/*
 * The end of a look-up
 */

static void
lookup_free(struct lookup *l)
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
	facts_mention(&q->facts,
	    &(struct fact){ .kind = FACT_NAMED,
		.weight = q->rules->named[FACT_DNS_UNANSWERED],
		.name = named_fact_key(FACT_DNS_UNANSWERED) });
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
	lookup_free(l);
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
 * Reverse names
 */

static void
end_rdns(struct lookup *l)
{
	struct inquiry *q = l->inquiry;
	size_t since = q->facts.n;

	l->rdns_open = false;
	/* A name that could not be looked up is not said not to lead back. */
	if (!l->confirmed && l->forward_failed)
		l->unanswered = true;
	else if (!l->confirmed)
		rules_add_named(q->rules, FACT_RDNS_UNCONFIRMED, &q->facts);
	if (l->generic)
		rules_add_named(q->rules, FACT_RDNS_GENERIC, &q->facts);
	else if (l->confirmed)
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
	l->forward_failed = l->forward_failed || answer->status == DNS_FAILED;
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
		now = resolver_ask(
		    l->source->resolver, copy.name[i], type, false, &f->wait);
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
	now = resolver_ask(
	    l->source->resolver, name, DNS_PTR, false, &l->reverse);
	if (now)
		take_reverse(l, now);
}

/*
 * Zones
 */

static uint32_t
host_order(const struct in6_addr *addr)
{
	uint32_t n;

	memcpy(&n, &addr->s6_addr[12], sizeof(n));
	return ntohl(n);
}

static void
zone_fail(struct zone *z, const char *why)
{
	z->good = false;
	snprintf(z->why, sizeof(z->why), "%s", why);
}

/* Adds the facts of a zone's answer. */
static void
add_listing(
    struct inquiry *q, const struct zone *z, const struct dns_answer *answer)
{
	char text[CIDR_STRLEN];

	for (size_t i = 0; i < q->rules->n_dnsbl; i++) {
		const struct dnsbl_weight *d = &q->rules->dnsbl[i];
		bool hit = false;

		if (strcasecmp(dnsbl_zone(d), z->name) != 0)
			continue;
		for (size_t j = 0; j < answer->n; j++) {
			uint32_t n = host_order(&answer->address[j]);

			hit = hit ||
			    (dnsbl_is_listing(n) &&
				dnsbl_filter_has(&d->answers, n));
		}
		if (hit)
			facts_add(&q->facts,
			    &(struct fact){ .kind = FACT_NAMED,
				.weight = d->weight,
				.name = d->name });
		if (hit && q->explain)
			inquiry_explain(q, q->facts.n - 1, "the answer is %s",
			    cidr_format_addr(&answer->address[0], text));
	}
}

/* An answer that says that we are refused says so of the whole zone. */
static bool
is_refusal(const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++) {
		if (!dnsbl_is_listing(host_order(&answer->address[i])))
			return true;
	}
	return false;
}

static void
take_zone(struct zone_wait *w, const struct dns_answer *answer)
{
	struct lookup *l = w->lookup;
	struct source *s = l->source;
	struct zone *z = &s->zone[w - l->zone];

	w->open = false;
	l->zones_open--;
	if (answer->status == DNS_FAILED) {
		l->unanswered = true;
	} else if (answer->status == DNS_FOUND && is_refusal(answer)) {
		l->unanswered = true;
		if (z->good) {
			zone_fail(z,
			    "it answers what is no listing: it refuses this "
			    "resolver, or the resolver makes up answers");
			z->next_probe = loop_now(s->loop) + s->rules->dns_probe;
		}
	} else if (z->good) {
		add_listing(l->inquiry, z, answer);
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
	now = resolver_ask(l->source->resolver, name, DNS_A, false, &w->wait);
	if (now)
		take_zone(w, now);
}

/*
 * Tests of zones
 */

static void
judge(struct zone *z)
{
	struct source *s = z->source;

	z->next_probe = loop_now(s->loop) + s->rules->dns_probe;
	/* Silence says nothing of the zone. */
	if (resolver_is_down(s->resolver)) {
		z->next_probe = loop_now(s->loop) + PROBE_RETRY;
		return;
	}
	if (z->status[TEST_LISTED] == DNS_FAILED ||
	    z->status[TEST_UNLISTED] == DNS_FAILED)
		zone_fail(z, "it does not answer for its test addresses");
	else if (!z->listed[TEST_LISTED])
		zone_fail(z,
		    "its test address 127.0.0.2 is not listed (RFC 5782): it "
		    "is closed, or refuses this resolver");
	else if (z->status[TEST_UNLISTED] == DNS_FOUND)
		zone_fail(z,
		    "its test address 127.0.0.1 has an answer (RFC 5782): it "
		    "lists everything, or the resolver makes up answers");
	else
		z->good = true;
	if (!z->good && s->rules->dns_probe > PROBE_RETRY * 60)
		z->next_probe = loop_now(s->loop) + PROBE_RETRY * 60;
}

static void
take_probe(struct zone_probe *p, const struct dns_answer *answer)
{
	struct zone *z = p->zone;
	size_t which = (size_t)(p - z->probe);

	z->status[which] = answer->status;
	z->listed[which] = answer->n > 0 && !is_refusal(answer);
	if (--z->probes == 0)
		judge(z);
}

static void
on_probe(struct resolver_wait *w, const struct dns_answer *answer)
{
	take_probe(CONTAINER_OF(w, struct zone_probe, wait), answer);
}

static void
probe_zone(struct zone *z)
{
	z->next_probe = UINT64_MAX;
	z->probes = TEST_COUNT;
	for (size_t i = 0; i < TEST_COUNT; i++) {
		struct zone_probe *p = &z->probe[i];
		const struct dns_answer *now;
		struct in6_addr addr;
		char name[DNS_NAME_SIZE];

		p->zone = z;
		p->wait.on_answer = on_probe;
		(void)!cidr_parse_addr(
		    test_address[i], strlen(test_address[i]), &addr);
		dnsbl_name(&addr, z->name, name);
		now = resolver_ask(
		    z->source->resolver, name, DNS_A, true, &p->wait);
		if (now)
			take_probe(p, now);
	}
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

	l->rdns_open = s->wants_rdns;
	for (size_t i = 0; i < s->n_zones; i++) {
		l->zone[i].lookup = l;
		l->zone[i].open = s->zone[i].good;
		l->zones_open += s->zone[i].good;
	}
}

static enum source_ask
dns_ask(struct source *s, struct inquiry *q)
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
	lookup_free(l);
	return SOURCE_DONE;
}

static void
dns_cancel(struct source *s, struct inquiry *q)
{
	for (struct lookup *l = s->lookups; l; l = l->next) {
		if (l->inquiry == q) {
			lookup_free(l);
			return;
		}
	}
}

/*
 * Opening
 */

static void
add_zone(struct source *s, const struct dnsbl_weight *d)
{
	struct zone *z = NULL;

	if (d->weight == 0)
		return;
	for (size_t i = 0; i < s->n_zones; i++) {
		if (strcasecmp(s->zone[i].name, dnsbl_zone(d)) == 0)
			z = &s->zone[i];
	}
	if (!z) {
		z = &s->zone[s->n_zones++];
		z->source = s;
		z->name = dnsbl_zone(d);
	}
	if (d->weight < 0)
		z->least += d->weight;
	else
		z->most += d->weight;
}

static int
dns_open(struct source **ret_source, struct rules *rules, struct loop *loop)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->rules = rules;
	s->loop = loop;
	find_rdns_range(s);
	for (size_t i = 0; i < rules->n_dnsbl; i++)
		add_zone(s, &rules->dnsbl[i]);
	*ret_source = s;
	return 0;
}

static struct source *
dns_free(struct source *s)
{
	if (!s)
		return NULL;
	while (s->lookups)
		lookup_free(s->lookups);
	for (size_t i = 0; i < s->n_zones; i++) {
		for (size_t j = 0; j < TEST_COUNT; j++)
			resolver_cancel(&s->zone[i].probe[j].wait);
	}
	resolver_unref(s->resolver);
	rdns_rules_free(s->generic);
	free(s);
	return NULL;
}

static bool
wants_anything(const struct source *s)
{
	return s->wants_rdns || s->n_zones > 0;
}

static struct zone *
find_zone(struct source *s, const char *name)
{
	for (size_t i = 0; i < s->n_zones; i++) {
		if (strcasecmp(s->zone[i].name, name) == 0)
			return &s->zone[i];
	}
	return NULL;
}

/* The cache, and what is known of the zones. */
static void
dns_inherit(struct source *s, struct source *old)
{
	const struct rules *a = s->rules, *b = old->rules;

	if (!wants_anything(s) || !old->resolver ||
	    strcmp(a->dns_servers, b->dns_servers) != 0 ||
	    a->dns_timeout != b->dns_timeout || a->dns_cache != b->dns_cache)
		return;
	s->resolver = resolver_ref(old->resolver);
	s->told_down = old->told_down;
	for (size_t i = 0; i < s->n_zones; i++) {
		struct zone *z = &s->zone[i];
		const struct zone *was = find_zone(old, z->name);

		if (!was)
			continue;
		z->good = was->good;
		z->told_bad = was->told_bad;
		snprintf(z->why, sizeof(z->why), "%s", was->why);
		z->next_probe = was->probes > 0 ? 0 : was->next_probe;
	}
}

/*
 * Each second
 */

static int
read_text(const char *path, char **ret_text, size_t *ret_len)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	AUTO_FREE char *text = malloc(RULES_FILE_MAX);
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (!text)
		return -ENOMEM;
	*ret_len = 0;
	while ((n = read(fd, text + *ret_len, RULES_FILE_MAX - *ret_len)) > 0)
		*ret_len += (size_t)n;
	if (n < 0)
		return -errno;
	if (*ret_len == RULES_FILE_MAX)
		return -EFBIG;
	*ret_text = text;
	text = NULL;
	return 0;
}

static bool
load_generic(struct source *s, struct source_note *note)
{
	const char *path = s->rules->rdns_generic, *why = NULL;
	AUTO_FREE char *text = NULL;
	struct rdns_rules *rules;
	size_t len;
	int r, line = 0;

	if (!s->wants_rdns || *path == '\0' || !watch_changed(&s->watch, path))
		return false;
	r = read_text(path, &text, &len);
	if (r == 0)
		r = rdns_rules_parse(text, len, &rules, &line, &why);
	snprintf(note->file, sizeof(note->file), "%s", path);
	note->failed = r < 0;
	if (r == 0) {
		rdns_rules_free(s->generic);
		s->generic = rules;
		snprintf(note->text, sizeof(note->text), "%zu rules",
		    rdns_rules_count(rules));
	} else if (why) {
		snprintf(
		    note->text, sizeof(note->text), "line %d: %s", line, why);
	} else {
		snprintf(note->text, sizeof(note->text), "%s", strerror(-r));
	}
	note->has_data = s->generic != NULL;
	return true;
}

static bool
open_resolver(struct source *s, struct source_note *note)
{
	struct resolver_config config = { s->rules->dns_servers,
		s->rules->dns_timeout, (size_t)s->rules->dns_cache };
	int r;

	if (s->resolver || s->told_open || !wants_anything(s))
		return false;
	r = resolver_new(s->loop, &config, &s->resolver);
	s->told_open = true;
	if (r == 0)
		return false;
	note->failed = true;
	snprintf(note->file, sizeof(note->file), "[Dns] Servers=%.200s",
	    s->rules->dns_servers);
	snprintf(note->text, sizeof(note->text), "%s",
	    r == -EINVAL ? "not addresses of resolvers, such as 127.0.0.1:53"
			 : strerror(-r));
	return true;
}

static bool
tell_down(struct source *s, struct source_note *note)
{
	bool down = resolver_is_down(s->resolver);

	if (down == s->told_down)
		return false;
	s->told_down = note->failed = down;
	note->has_data = false;
	snprintf(note->file, sizeof(note->file), "the DNS");
	snprintf(note->text, sizeof(note->text), "%s",
	    down ? "no resolver answers; one is tried each second"
		 : "a resolver answers again");
	return true;
}

static bool
tell_zone(struct zone *z, struct source_note *note)
{
	bool bad = !z->good && *z->why != '\0';

	if (bad == z->told_bad || (!bad && !z->good))
		return false;
	z->told_bad = note->failed = bad;
	note->has_data = false;
	snprintf(note->file, sizeof(note->file), "the zone %s", z->name);
	snprintf(note->text, sizeof(note->text), "%s",
	    bad ? z->why : "it answers as it should again");
	return true;
}

static bool
dns_refresh(struct source *s, struct source_note *note)
{
	uint64_t now;

	if (!wants_anything(s))
		return false;
	if (open_resolver(s, note) || load_generic(s, note))
		return true;
	if (!s->resolver)
		return false;
	now = loop_now(s->loop);
	for (size_t i = 0; i < s->n_zones; i++) {
		if (now >= s->zone[i].next_probe)
			probe_zone(&s->zone[i]);
	}
	if (tell_down(s, note))
		return true;
	for (size_t i = 0; i < s->n_zones; i++) {
		if (tell_zone(&s->zone[i], note))
			return true;
	}
	return false;
}

static bool
dns_is_settled(const struct source *s)
{
	for (size_t i = 0; i < s->n_zones; i++) {
		if (s->zone[i].probes > 0)
			return false;
	}
	return true;
}

const struct source_ops source_dns = {
	.name = "dns",
	.open = dns_open,
	.free = dns_free,
	.inherit = dns_inherit,
	.refresh = dns_refresh,
	.ask = dns_ask,
	.cancel = dns_cancel,
	.is_settled = dns_is_settled,
};
