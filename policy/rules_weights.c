/* SPDX-License-Identifier: ISC */
/* What facts weigh: the section [Weights], and that of the zones' names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/secret.h"
#include "policy/rules_internal.h"

enum { WEIGHT_FIXED, WEIGHT_FADES, WEIGHT_NONE };

static const struct {
	const char *key, *shown; /* of its weight, and in a reason */
	enum fact_family family;
	enum fact_class class;
	enum fact_role role;
	int weight; /* WEIGHT_... */
} named[NAMED_FACT_COUNT] = {
#define NAMED_FACT(f, id, k, s, c, r, w, source) \
	[FACT_##f##_##id] = { .key = (k),        \
		.shown = (s),                    \
		.family = FAMILY_##f,            \
		.class = CLASS_##c,              \
		.role = ROLE_##r,                \
		.weight = WEIGHT_##w },
#include "policy/facts.def"
};

static const char *const prefixes[FACT_FAMILY_COUNT] = {
#define FACT_FAMILY(id, prefix, set) [FAMILY_##id] = (prefix),
#include "policy/facts.def"
};

const char *
named_fact_key(enum named_fact which)
{
	return named[which].key;
}

bool
named_fact_fades(enum named_fact which)
{
	return named[which].weight == WEIGHT_FADES;
}

struct fact
rules_fact(const struct rules *r, enum named_fact which)
{
	const char *shown = named[which].shown;

	return (struct fact){ .kind = FACT_NAMED,
		.class = (uint8_t)named[which].class,
		.role = (uint8_t)named[which].role,
		.weight = r->named[which],
		.name = shown ? shown : named[which].key };
}

void
rules_add_named(
    const struct rules *r, enum named_fact which, struct facts *facts)
{
	struct fact fact = rules_fact(r, which);

	facts_add(facts, &fact);
}

struct fact
rules_list_fact(const struct list_weight *w)
{
	return (struct fact){ .kind = FACT_NAMED,
		.class = w->by_hand ? CLASS_BY_HAND : CLASS_OTHERS,
		.role = ROLE_LIST,
		.weight = w->weight,
		.name = w->name };
}

/*
 * Weights
 */

static size_t
asn_place(const struct asn_weights *t, uint32_t asn)
{
	/* Fibonacci hashing: neighbouring numbers spread. */
	size_t i = (size_t)(asn * UINT32_C(2654435769)) & (t->size - 1);

	while (t->slot[i].asn != 0 && t->slot[i].asn != asn)
		i = (i + 1) & (t->size - 1);
	return i;
}

static int
asn_grow(struct asn_weights *t)
{
	struct asn_weights bigger = { .n = t->n,
		.size = t->size ? t->size * 2 : 64 };

	bigger.slot = calloc(bigger.size, sizeof(*bigger.slot));
	if (!bigger.slot)
		return -ENOMEM;
	for (size_t i = 0; i < t->size; i++) {
		if (t->slot[i].asn != 0)
			bigger.slot[asn_place(&bigger, t->slot[i].asn)] =
			    t->slot[i];
	}
	free(t->slot);
	*t = bigger;
	return 0;
}

static int
asn_set(struct asn_weights *t, uint32_t asn, int32_t weight)
{
	struct asn_weight *slot;

	/* At most half full: a search ends soon, and at a free place. */
	if (t->n * 2 >= t->size && asn_grow(t) < 0)
		return -ENOMEM;
	slot = &t->slot[asn_place(t, asn)];
	t->n += slot->asn == 0;
	*slot = (struct asn_weight){ asn, weight };
	return 0;
}

int32_t
rules_asn_weight(const struct rules *r, uint32_t asn)
{
	const struct asn_weights *t = &r->asn_weight;

	if (t->size == 0 || asn == 0)
		return 0;
	return t->slot[asn_place(t, asn)].weight;
}

struct list_weight *
rules_list(struct rules *r, enum fact_family family, const char *name)
{
	const char *prefix = prefixes[family];
	size_t prefix_len = strlen(prefix), n = strlen(name) + 1;
	struct list_weight *w;

	for (w = r->list_weight; w; w = w->next) {
		if (strncmp(w->name, prefix, prefix_len) == 0 &&
		    strcmp(w->name + prefix_len, name) == 0)
			return w;
	}
	w = malloc(sizeof(*w) + prefix_len + n);
	if (!w)
		return NULL;
	w->weight = 0;
	w->by_hand = strncmp(name, "local-", 6) == 0;
	memcpy(w->name, prefix, prefix_len);
	memcpy(w->name + prefix_len, name, n);
	w->next = r->list_weight;
	r->list_weight = w;
	return w;
}

bool
rules_is_shipped(const struct list_weight *w)
{
	return strcmp(w->name, "list.drop") == 0 && w->weight == 100;
}

static int
parse_weight(const char *value, int32_t *ret_weight, char *why, size_t size)
{
	int64_t weight = 0;

	/* An empty value takes back what an earlier file said. */
	if (*value != '\0' &&
	    option_parse_int(value, -WEIGHT_MAX, WEIGHT_MAX, &weight) < 0)
		return rules_fail(
		    why, size, "not a whole number from -1000000 to 1000000");
	*ret_weight = (int32_t)weight;
	return 0;
}

static int
set_list_of(struct rules *r, enum fact_family family, const char *name,
    const char *value, char *why, size_t size)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
	struct list_weight *w;
	int32_t weight;

	if (n == 0 || n > LIST_NAME_MAX || name[n] != '\0')
		return rules_fail(
		    why, size, "a list's name is made of a-z, 0-9 and - or _");
	if (parse_weight(value, &weight, why, size) < 0)
		return -EINVAL;
	w = rules_list(r, family, name);
	if (!w)
		return rules_fail(why, size, "out of memory");
	w->weight = weight;
	return 0;
}

static int
set_list(struct rules *r, const char *name, const char *value, char *why,
    size_t size)
{
	return set_list_of(r, FAMILY_LIST, name, value, why, size);
}

static int
set_asnlist(struct rules *r, const char *name, const char *value, char *why,
    size_t size)
{
	return set_list_of(r, FAMILY_ASNLIST, name, value, why, size);
}

static int
set_country(struct rules *r, const char *name, const char *value, char *why,
    size_t size)
{
	int index = strlen(name) == 2 ? country_index(name) : -1;

	if (index < 0)
		return rules_fail(why, size,
		    "not an ISO 3166 code of two upper-case "
		    "letters, nor unknown");
	return parse_weight(value, &r->country_weight[index], why, size);
}

static int
set_asn(struct rules *r, const char *name, const char *value, char *why,
    size_t size)
{
	int64_t asn;
	int32_t weight;

	if (option_parse_int(name, 1, UINT32_MAX, &asn) < 0)
		return rules_fail(why, size,
		    "not an autonomous system's number, "
		    "nor unknown");
	if (parse_weight(value, &weight, why, size) < 0)
		return -EINVAL;
	if (asn_set(&r->asn_weight, (uint32_t)asn, weight) < 0)
		return rules_fail(why, size, "out of memory");
	return 0;
}

static int
set_named(struct rules *r, const char *name, const char *value, char *why,
    size_t size)
{
	(void)r;
	(void)name;
	(void)value;
	return rules_fail(why, size, "this family has no such weight");
}

static struct dnsbl_weight *
find_dnsbl(struct rules *r, const char *key, const char *filter)
{
	for (size_t i = 0; i < r->n_dnsbl; i++) {
		if (strcasecmp(r->dnsbl[i].key, key) == 0 &&
		    strcmp(r->dnsbl[i].filter, filter) == 0)
			return &r->dnsbl[i];
	}
	if (r->n_dnsbl == DNSBL_MAX)
		return NULL;
	return &r->dnsbl[r->n_dnsbl++];
}

static const char zone_bytes[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

static bool
is_zone(const char *zone)
{
	size_t n = strlen(zone);

	return n > 0 && n <= DNSBL_ZONE_MAX && strspn(zone, zone_bytes) == n;
}

/* NAME=ZONE, in whatever order with the weights. */
int
rules_set_alias(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct rules *r = config;
	struct dnsbl_alias *a = r->alias;

	if (!is_zone(key) || strlen(key) > DNSBL_NAME_MAX)
		return rules_fail(why, size,
		    "a name is made of at most 63 letters, digits, - _ and .");
	if (*value != '\0' && (!is_zone(value) || !strchr(value, '.')))
		return rules_fail(why, size, "not the name of a zone");
	while (a < r->alias + r->n_aliases && strcasecmp(a->name, key) != 0)
		a++;
	if (a == r->alias + DNSBL_MAX)
		return rules_fail(why, size, "more than 32 names");
	if (a == r->alias + r->n_aliases)
		r->n_aliases++;
	snprintf(a->name, sizeof(a->name), "%s", key);
	/* An empty value takes back what an earlier file said. */
	snprintf(a->zone, sizeof(a->zone), "%s", value);
	return 0;
}

/* "60" or "60=127.0.0.2-11". */
static int
set_dnsbl(struct rules *r, const char *zone, const char *value, char *why,
    size_t size)
{
	const char *filter = strchrnul(value, '=');
	struct dnsbl_filter answers;
	struct dnsbl_weight *d;
	const char *reason;
	char number[16];
	int32_t weight;

	snprintf(number, sizeof(number), "%.*s", (int)(filter - value), value);
	if (parse_weight(number, &weight, why, size) < 0)
		return -EINVAL;
	filter += *filter == '=';
	if (dnsbl_filter_parse(filter, &answers, &reason) < 0)
		return rules_fail(why, size, reason);
	if (!is_zone(zone))
		return rules_fail(why, size, "not the name of a zone");
	d = find_dnsbl(r, zone, filter);
	if (!d)
		return rules_fail(why, size, "more than 32 zones");
	d->weight = weight;
	d->answers = answers;
	snprintf(d->key, sizeof(d->key), "%s", zone);
	snprintf(d->filter, sizeof(d->filter), "%s", filter);
	return 0;
}

/* Takes what follows the prefix of its family. */
typedef int family_set(struct rules *, const char *name, const char *value,
    char *why, size_t size);

static family_set *const setters[FACT_FAMILY_COUNT] = {
#define FACT_FAMILY(id, prefix, set) [FAMILY_##id] = (set),
#include "policy/facts.def"
};

static int
fail_family(char *why, size_t size)
{
	int n = snprintf(why, size, "no such family of weights:");

	for (size_t i = 0; i < FACT_FAMILY_COUNT && n > 0 && (size_t)n < size;
	     i++)
		n += snprintf(why + n, size - (size_t)n, "%s %.*s",
		    i > 0 ? "," : "", (int)strcspn(prefixes[i], "."),
		    prefixes[i]);
	return -EINVAL;
}

int
rules_set_weight(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct rules *r = config;

	for (size_t i = 0; i < NAMED_FACT_COUNT; i++) {
		if (strcmp(key, named[i].key) == 0)
			return parse_weight(value,
			    named[i].weight == WEIGHT_NONE ? &r->patient_weight
							   : &r->named[i],
			    why, size);
	}
	for (size_t i = 0; i < FACT_FAMILY_COUNT; i++) {
		size_t n = strlen(prefixes[i]);

		if (strncmp(key, prefixes[i], n) == 0)
			return setters[i](r, key + n, value, why, size);
	}
	return fail_family(why, size);
}

/*
 * Zones
 */

static int
name_zone(struct rules *r, struct dnsbl_weight *d, struct option_error *error)
{
	char shown[DNSBL_ZONE_MAX + 1];
	const char *zone = NULL;

	for (size_t i = 0; i < r->n_aliases; i++) {
		if (strcasecmp(r->alias[i].name, d->key) == 0 &&
		    r->alias[i].zone[0] != '\0')
			zone = r->alias[i].zone;
	}
	snprintf(d->zone, sizeof(d->zone), "%s", zone ? zone : d->key);
	snprintf(d->name, sizeof(d->name), "dnsbl.%s",
	    zone ? d->key : secret_hide(d->key, shown, sizeof(shown)));
	if (zone || strchr(d->key, '.'))
		return 0;
	option_say(error,
	    "[Weights] dnsbl.%s: neither a zone nor a name in [Zones]",
	    dnsbl_shown(d));
	return -EINVAL;
}

/* The next word of *TEXT, which moves behind it; its length, 0 at the end. */
static size_t
next_word(const char **text, const char **ret_word)
{
	size_t n;

	*ret_word = *text + strspn(*text, " ,");
	n = strcspn(*ret_word, " ,");
	*text = *ret_word + n;
	return n;
}

static bool
is_named(const struct dnsbl_weight *d, const char *word, size_t n)
{
	return (strncasecmp(d->key, word, n) == 0 && d->key[n] == '\0') ||
	    (strncasecmp(d->zone, word, n) == 0 && d->zone[n] == '\0');
}

bool
rules_trust_zone(const struct rules *r, const struct dnsbl_weight *d)
{
	const char *text = r->dns_trust, *word;
	size_t n;

	while ((n = next_word(&text, &word)) > 0) {
		if (is_named(d, word, n))
			return true;
	}
	return false;
}

/* Trust in what is not there is a slip of the pen. */
static int
check_trust(const struct rules *r, struct option_error *error)
{
	const char *text = r->dns_trust, *word;
	char copy[DNSBL_ZONE_MAX + 1], shown[DNSBL_ZONE_MAX + 1];
	size_t n;

	while ((n = next_word(&text, &word)) > 0) {
		size_t i = 0;

		while (i < r->n_dnsbl && !is_named(&r->dnsbl[i], word, n))
			i++;
		if (i < r->n_dnsbl)
			continue;
		snprintf(copy, sizeof(copy), "%.*s", (int)n, word);
		option_say(error, "[Dns] TrustZones=: dnsbl.%s has no weight",
		    secret_hide(copy, shown, sizeof(shown)));
		return -EINVAL;
	}
	return 0;
}

int
rules_check_zones(struct rules *r, struct option_error *error)
{
	for (size_t i = 0; i < r->n_dnsbl; i++) {
		if (name_zone(r, &r->dnsbl[i], error) < 0)
			return -EINVAL;
	}
	return check_trust(r, error);
}
bool
rules_ask_dns(const struct rules *r)
{
	for (size_t i = 0; i < NAMED_FACT_COUNT; i++) {
		if (named[i].family == FAMILY_RDNS && r->named[i] != 0)
			return true;
	}
	for (size_t i = 0; i < r->n_dnsbl; i++) {
		if (r->dnsbl[i].weight != 0)
			return true;
	}
	return false;
}

void
rules_forget_dns(struct rules *r)
{
	for (size_t i = 0; i < NAMED_FACT_COUNT; i++) {
		if (named[i].family == FAMILY_RDNS)
			r->named[i] = 0;
	}
	r->n_dnsbl = 0;
}
