/* SPDX-License-Identifier: ISC */
/* Facts from the DNS: reverse names, block and allow lists. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/fd.h"
#include "policy/source_dns_internal.h"

enum { RULES_FILE_MAX = 1 << 20 };

/*
 * Opening
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

static struct zone *
find_zone(struct source *s, const char *name)
{
	for (size_t i = 0; i < s->n_zones; i++) {
		if (strcasecmp(s->zone[i].name, name) == 0)
			return &s->zone[i];
	}
	return NULL;
}

static void
add_zone(struct source *s, const struct dnsbl_weight *d)
{
	struct zone *z = find_zone(s, d->zone);

	if (d->weight == 0)
		return;
	if (!z) {
		z = &s->zone[s->n_zones++];
		z->source = s;
		z->name = d->zone;
		z->shown = dnsbl_shown(d);
	}
	z->trusted = z->trusted || rules_trust_zone(s->rules, d);
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
	/* Without memory there is no limit. */
	if (rules->dns_network_lookups != 0)
		s->budget = dns_budget_new(
		    (uint32_t)rules->dns_network_lookups, s->n_zones);
	*ret_source = s;
	return 0;
}

static struct source *
dns_free(struct source *s)
{
	if (!s)
		return NULL;
	while (s->lookups)
		source_dns_lookup_free(s->lookups);
	for (size_t i = 0; i < s->n_zones; i++) {
		for (size_t j = 0; j < ZONE_FAMILIES; j++) {
			for (size_t k = 0; k < TEST_COUNT; k++)
				resolver_cancel(&s->zone[i].probe[j][k].wait);
		}
	}
	resolver_unref(s->resolver);
	dns_budget_free(s->budget);
	rdns_rules_free(s->generic);
	free(s);
	return NULL;
}

static bool
wants_anything(const struct source *s)
{
	return s->wants_rdns || s->n_zones > 0;
}

/* What was spent, and said, if it is of the same lists in the same order. */
static void
inherit_budget(struct source *s, struct source *old)
{
	struct dns_budget *fresh = s->budget;

	if (s->n_zones != old->n_zones ||
	    s->rules->dns_network_lookups != old->rules->dns_network_lookups)
		return;
	for (size_t i = 0; i < s->n_zones; i++) {
		if (strcasecmp(s->zone[i].name, old->zone[i].name) != 0)
			return;
	}
	/* Questions that still wait for OLD have one. */
	s->budget = old->budget;
	old->budget = fresh;
}

/* The cache, and what is known of the zones. */
static void
dns_inherit(struct source *s, struct source *old)
{
	const struct rules *a = s->rules, *b = old->rules;

	inherit_budget(s, old);
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
		/* Trust is these rules' own: it is tested again for it. */
		z->good = was->good && was->trusted == z->trusted;
		memcpy(z->asks, was->asks, sizeof(z->asks));
		if (was->trusted != z->trusted)
			continue;
		z->told_bad = was->told_bad;
		z->told_odd = was->told_odd;
		z->told_answer = was->told_answer;
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
	size_t len = 0;
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

/* A trusted zone is used, with a word about what is wrong with it. */
static bool
tell_odd(struct zone *z, struct source_note *note)
{
	bool odd = z->good && *z->why != '\0';

	if (odd == z->told_odd)
		return false;
	z->told_odd = note->is_warning = odd;
	snprintf(note->file, sizeof(note->file), "the zone %s", z->shown);
	snprintf(note->text, sizeof(note->text), "%s",
	    odd ? z->why : "it answers as it should again");
	return true;
}

/* Once: it may come with every client. */
static bool
tell_answer(struct zone *z, struct source_note *note)
{
	if (z->odd_answer == 0 || z->told_answer)
		return false;
	z->told_answer = note->is_warning = true;
	snprintf(note->file, sizeof(note->file), "the zone %s", z->shown);
	snprintf(note->text, sizeof(note->text),
	    "it has answered %s; such answers are ignored",
	    dnsbl_refusal(z->odd_answer));
	return true;
}

static bool
tell_zone(struct zone *z, struct source_note *note)
{
	bool bad = !z->good && *z->why != '\0';

	if (tell_answer(z, note))
		return true;
	if (z->trusted)
		return tell_odd(z, note);
	if (bad == z->told_bad || (!bad && !z->good))
		return false;
	z->told_bad = note->failed = bad;
	note->has_data = false;
	snprintf(note->file, sizeof(note->file), "the zone %s", z->shown);
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
			source_dns_probe_zone(&s->zone[i]);
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
	.open = dns_open,
	.free = dns_free,
	.inherit = dns_inherit,
	.refresh = dns_refresh,
	.ask = source_dns_ask,
	.cancel = source_dns_cancel,
	.is_settled = dns_is_settled,
};
