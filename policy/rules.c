/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bin/common/secret.h"
#include "policy/redis_url.h"
#include "policy/rules.h"

/* Facts of fixed names: the key of their weight, and what stands in a reason if
 * that is something else. */
static const struct {
	const char *key;
	enum fact_class class;
	const char *printed;
	enum fact_role role;
} named[NAMED_FACT_COUNT] = {
	[FACT_COUNTRY_UNKNOWN] = { "country.unknown", CLASS_OTHERS, NULL,
	    ROLE_NONE },
	[FACT_ASN_UNKNOWN] = { "asn.unknown", CLASS_OTHERS, NULL, ROLE_NONE },
	[FACT_RDNS_NONE] = { "rdns.none", CLASS_OTHERS, NULL, ROLE_NONE },
	[FACT_RDNS_UNCONFIRMED] = { "rdns.unconfirmed", CLASS_OTHERS, NULL,
	    ROLE_NONE },
	[FACT_RDNS_GENERIC] = { "rdns.generic", CLASS_OTHERS, NULL, ROLE_NONE },
	[FACT_RDNS_OK] = { "rdns.ok", CLASS_OTHERS, NULL, ROLE_NONE },
	[FACT_HISTORY_NONE] = { "history.none", CLASS_FIRST, NULL, ROLE_NONE },
	[FACT_HISTORY_PATIENT] = { "history.patient", CLASS_FIRST, NULL,
	    ROLE_PATIENCE },
	[FACT_HISTORY_ABANDONED] = { "history.abandoned", CLASS_LEARNED, NULL,
	    ROLE_NONE },
	[FACT_HISTORY_PREGREET] = { "history.pregreet", CLASS_LEARNED, NULL,
	    ROLE_NONE },
	[FACT_HISTORY_SEEN] = { "history.seen", CLASS_FIRST, NULL, ROLE_SEEN },
	[FACT_HISTORY_UNANSWERED] = { "history.unanswered", CLASS_LEARNED, NULL,
	    ROLE_NONE },
	[FACT_DNS_UNANSWERED] = { "dns.unanswered", CLASS_OTHERS, NULL,
	    ROLE_NONE },
	[FACT_BEHAVIOUR_PREGREET] = { "behaviour.pregreet", CLASS_SESSION,
	    "behaviour:pregreet", ROLE_NONE },
};

const char *
named_fact_key(enum named_fact which)
{
	return named[which].key;
}

struct fact
rules_fact(const struct rules *r, enum named_fact which)
{
	const char *printed = named[which].printed;

	return (struct fact){ .kind = FACT_NAMED,
		.class = (uint8_t)named[which].class,
		.role =
		    which == FACT_HISTORY_PATIENT ? ROLE_PATIENCE : ROLE_NONE,
		.weight = r->named[which],
		.name = printed ? printed : named[which].key };
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
 * Curves
 */

static int
fail(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -EINVAL;
}

static int
add_point(struct curve *c, const char *key, const char *value, int64_t number,
    char *why, size_t size)
{
	int64_t score;

	if (option_parse_int(key, -SCORE_MAX, SCORE_MAX, &score) < 0)
		return fail(why, size,
		    "the score is not a whole number from "
		    "-1000000 to 1000000");
	if (*value == '\0')
		curve_remove(c, (int32_t)score);
	else if (curve_set(c, (int32_t)score, (int32_t)number) < 0)
		return fail(why, size, "more than 16 points");
	return 0;
}

static int
set_rate(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct rules *r = config;
	int64_t rate = 0;

	if (*value != '\0' && option_parse_int(value, 1, RATE_MAX, &rate) < 0)
		return fail(why, size,
		    "not a number of bytes per second from 1 to 1000000");
	return add_point(&r->rate, key, value, rate, why, size);
}

static int
set_patience(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct rules *r = config;
	uint64_t usec = 0;

	if (*value != '\0' &&
	    (option_parse_time(value, &usec) < 0 ||
		usec > PATIENCE_MAX * USEC_PER_SEC || usec % USEC_PER_SEC != 0))
		return fail(why, size, "not a time of whole seconds up to 1h");
	return add_point(&r->patience, key, value,
	    (int64_t)(usec / USEC_PER_SEC), why, size);
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
rules_list(struct rules *r, enum list_family family, const char *name)
{
	const char *prefix = family == FAMILY_LIST ? "list." : "asnlist.";
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
		return fail(
		    why, size, "not a whole number from -1000000 to 1000000");
	*ret_weight = (int32_t)weight;
	return 0;
}

static int
set_list_of(struct rules *r, enum list_family family, const char *name,
    const char *value, char *why, size_t size)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
	struct list_weight *w;
	int32_t weight;

	if (n == 0 || n > LIST_NAME_MAX || name[n] != '\0')
		return fail(
		    why, size, "a list's name is made of a-z, 0-9 and - or _");
	if (parse_weight(value, &weight, why, size) < 0)
		return -EINVAL;
	w = rules_list(r, family, name);
	if (!w)
		return fail(why, size, "out of memory");
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
		return fail(why, size,
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
		return fail(why, size,
		    "not an autonomous system's number, "
		    "nor unknown");
	if (parse_weight(value, &weight, why, size) < 0)
		return -EINVAL;
	if (asn_set(&r->asn_weight, (uint32_t)asn, weight) < 0)
		return fail(why, size, "out of memory");
	return 0;
}

static int
set_named(struct rules *r, const char *name, const char *value, char *why,
    size_t size)
{
	(void)r;
	(void)name;
	(void)value;
	return fail(why, size, "this family has no such weight");
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
static int
set_alias(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct rules *r = config;
	struct dnsbl_alias *a = r->alias;

	if (!is_zone(key) || strlen(key) > DNSBL_NAME_MAX)
		return fail(why, size,
		    "a name is made of at most 63 letters, digits, - _ and .");
	if (*value != '\0' && (!is_zone(value) || !strchr(value, '.')))
		return fail(why, size, "not the name of a zone");
	while (a < r->alias + r->n_aliases && strcasecmp(a->name, key) != 0)
		a++;
	if (a == r->alias + DNSBL_MAX)
		return fail(why, size, "more than 32 names");
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
		return fail(why, size, reason);
	if (!is_zone(zone))
		return fail(why, size, "not the name of a zone");
	d = find_dnsbl(r, zone, filter);
	if (!d)
		return fail(why, size, "more than 32 zones");
	d->weight = weight;
	d->answers = answers;
	snprintf(d->key, sizeof(d->key), "%s", zone);
	snprintf(d->filter, sizeof(d->filter), "%s", filter);
	return 0;
}

static const struct family {
	const char *prefix;
	int (*set)(struct rules *, const char *name, const char *value,
	    char *why, size_t size);
} families[] = {
	{ "list.", set_list },
	{ "asnlist.", set_asnlist },
	{ "country.", set_country },
	{ "asn.", set_asn },
	{ "dnsbl.", set_dnsbl },
	{ "dns.", set_named },
	{ "rdns.", set_named },
	{ "history.", set_named },
	{ "behaviour.", set_named },
};

static int
set_weight(
    void *config, const char *key, const char *value, char *why, size_t size)
{
	struct rules *r = config;

	for (size_t i = 0; i < NAMED_FACT_COUNT; i++) {
		if (strcmp(key, named[i].key) == 0)
			return parse_weight(value,
			    i == FACT_HISTORY_PATIENT ? &r->patient_weight
						      : &r->named[i],
			    why, size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		size_t n = strlen(families[i].prefix);

		if (strncmp(key, families[i].prefix, n) == 0)
			return families[i].set(r, key + n, value, why, size);
	}
	return fail(why, size,
	    "no such family of weights: list, asnlist, country, asn, "
	    "rdns, history, dnsbl, dns, behaviour");
}

/*
 * The table
 */

/* An answer's action must stay one line, and say something. */
/* Only what can be filled in. */
static bool
has_unknown_name(const char *action)
{
	static const char *const names[] = { "%{score}", "%{reason}",
		"%{country}" };

	while ((action = strstr(action, "%{"))) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			known = known ||
			    strncmp(action, names[i], strlen(names[i])) == 0;
		if (!known)
			return true;
		action++;
	}
	return false;
}

/* Puts a copy of VALUE into the string at MEMBER, which the rules own. */
static int
set_string(const char *value, void *member, char *why, size_t size)
{
	char **string = member;
	char *copy = strdup(value);

	if (!copy)
		return fail(why, size, "out of memory");
	free(*string);
	*string = copy;
	return 0;
}

static int
parse_action(const char *value, void *member, char *why, size_t size)
{
	if (*value == '\0' || strlen(value) > 512)
		return fail(why, size, "not an action of access(5)");
	if (has_unknown_name(value))
		return fail(why, size,
		    "there are only %{score}, %{reason} and %{country}");
	return set_string(value, member, why, size);
}

/* A directory, or a server. */
static int
parse_history(const char *value, void *member, char *why, size_t size)
{
	const char *reason;
	struct redis_url url;

	if (redis_url_is(value) && redis_url_parse(value, &url, &reason) < 0)
		return fail(why, size, reason);
	return set_string(value, member, why, size);
}

#define PATH(name, member, preset, text)                               \
	{                                                              \
		.section = "Data", .key = name, .type = OPTION_STRING, \
		.offset = offsetof(struct rules, member), .max = 4095, \
		.initial = preset, .help = text                        \
	}
#define LANE(name, member, preset, text)                                     \
	{                                                                    \
		.section = "Lanes", .key = name, .type = OPTION_INT,         \
		.offset = offsetof(struct rules, member), .min = -SCORE_MAX, \
		.max = SCORE_MAX, .initial = preset, .help = text            \
	}
#define HALF_LIFE(name, kind, preset, text)                             \
	{                                                               \
		.section = "History", .key = name, .type = OPTION_TIME, \
		.offset = offsetof(struct rules, half_life) +           \
		    (kind) * sizeof(uint64_t),                          \
		.min = USEC_PER_SEC,                                    \
		.max = 3650 * 86400 * (int64_t)USEC_PER_SEC,            \
		.initial = preset, .help = text                         \
	}
#define ACTION(name, lane, text)                                              \
	{                                                                     \
		.section = "Postfix", .key = name, .type = OPTION_CUSTOM,     \
		.offset =                                                     \
		    offsetof(struct rules, action) + (lane) * sizeof(char *), \
		.initial = "DUNNO", .parse = parse_action, .help = text       \
	}

/* clang-format off */
static const struct option options[] = {
	PATH("Lists", lists, "/var/lib/tarpit/lists.cdb",
	    "block and allow lists compiled by tarpit-lists"),
	PATH("Country", country, "/var/lib/tarpit/country.mmdb",
	    "country database in MaxMind's format"),
	PATH("Asn", asn, "/var/lib/tarpit/asn.mmdb",
	    "database of autonomous systems in MaxMind's format"),
	{ .section = "Data", .key = "DatabaseAge", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, database_age),
	    .max = 3650 * 86400 * (int64_t)USEC_PER_SEC, .initial = "60d",
	    .help = "older ones than this are warned about; 0: never" },
	{ .section = "Data", .key = "History", .type = OPTION_CUSTOM,
	    .offset = offsetof(struct rules, history),
	    .initial = "/var/lib/tarpit/history", .parse = parse_history,
	    .secret = true,
	    .help = "what is remembered of clients: a directory, or "
		    "redis://HOST:PORT/DB" },
	LANE("Slow", slow, "20", "lowest score of the lane slow"),
	LANE("Throttle", throttle, "60", "lowest score of the lane throttle"),
	LANE("Hold", hold, "100", "lowest score of the lane hold"),
	ACTION("Pass", LANE_PASS, "answer to Postfix in the lane pass"),
	ACTION("Slow", LANE_SLOW, "answer to Postfix in the lane slow"),
	ACTION("Throttle", LANE_THROTTLE,
	    "answer to Postfix in the lane throttle"),
	ACTION("Hold", LANE_HOLD, "answer to Postfix in the lane hold"),
	{ .section = "Answers", .key = "Ttl", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, ttl),
	    .max = 3600 * (int64_t)USEC_PER_SEC, .initial = "60s",
	    .help = "how long a pass may be used again for its address" },
	HALF_LIFE("PatientFor", HISTORY_PATIENT, "30d",
	    "how long who was patient need not be so again"),
	HALF_LIFE("PatientHalfLife", HISTORY_PATIENT, "30d",
	    "the same, as it was called"),
	{ .section = "History", .key = "LendAfter", .type = OPTION_INT,
	    .offset = offsetof(struct rules, lend_after),
	    .max = HISTORY_HOSTS_MAX, .initial = "3",
	    .help = "hosts of a network whose patience is lent to it; 0 never" },
	HALF_LIFE("AbandonedHalfLife", HISTORY_ABANDONED, "1d",
	    "in which having left counts half"),
	HALF_LIFE("PregreetHalfLife", HISTORY_PREGREET, "7d",
	    "in which having talked early counts half"),
	{ .section = "History", .key = "MaxRecords", .type = OPTION_INT,
	    .offset = offsetof(struct rules, history_max),
	    .min = 64, .max = 1 << 26, .initial = "1048576",
	    .help = "clients and networks remembered; 32 bytes each" },
	{ .section = "History", .key = "CacheTime", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, history_cache),
	    .max = 3600 * (int64_t)USEC_PER_SEC, .initial = "10s",
	    .help = "how long what a server said of a client is used" },
	{ .section = "Dns", .key = "DnsTimeout", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, dns_timeout),
	    .min = 10 * USEC_PER_MSEC, .max = 60 * (int64_t)USEC_PER_SEC,
	    .initial = "2s",
	    .help = "in which all look-ups of a client have to answer" },
	{ .section = "Dns", .key = "Servers", .type = OPTION_STRING,
	    .offset = offsetof(struct rules, dns_servers), .max = 1023,
	    .help = "ADDRESS[:PORT],... of resolvers; /etc/resolv.conf" },
	{ .section = "Dns", .key = "TrustZones", .type = OPTION_STRING,
	    .offset = offsetof(struct rules, dns_trust), .max = 1023,
	    .secret = true,
	    .help = "zones, as in [Weights], that count though they fail "
		    "their test" },
	{ .section = "Dns", .key = "GenericNames", .type = OPTION_STRING,
	    .offset = offsetof(struct rules, rdns_generic), .max = 4095,
	    .initial = SYSCONFDIR "/tarpit/rdns-generic.conf",
	    .help = "file of rules for names that look dynamic" },
	{ .section = "Dns", .key = "ProbeInterval", .type = OPTION_TIME,
	    .offset = offsetof(struct rules, dns_probe),
	    .min = USEC_PER_SEC / 10, .max = 86400 * (int64_t)USEC_PER_SEC,
	    .initial = "30min",
	    .help = "how often the test addresses of zones are asked for" },
	{ .section = "Dns", .key = "CacheNames", .type = OPTION_INT,
	    .offset = offsetof(struct rules, dns_cache),
	    .min = 64, .max = 1 << 24, .initial = "65536",
	    .help = "answers kept; some 300 bytes each" },
	{ .section = "Service", .key = "MaxQuestions", .type = OPTION_INT,
	    .offset = offsetof(struct rules, max_questions),
	    .min = 16, .max = RULES_QUESTIONS_MAX, .initial = "16384",
	    .help = "questions that wait for the DNS at the same time" },
	{ .section = "Service", .key = "MaxConnections", .type = OPTION_INT,
	    .offset = offsetof(struct rules, max_connections),
	    .min = 1, .max = 4096, .initial = "64",
	    .help = "connections served at the same time" },
};
/* clang-format on */

static const struct option_section sections[] = {
	{ "Curve", set_rate, "SCORE=BYTES: bytes per second at this score" },
	{ "Patience", set_patience,
	    "SCORE=TIME: length of the greeting at this score" },
	{ "Weights", set_weight, "FACT=POINTS: what a fact adds to the score" },
	{ "Zones", set_alias,
	    "NAME=ZONE: dnsbl.NAME is shown where ZONE has a key in it" },
};

const struct option_table rules_table = {
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.sections = sections,
	.n_sections = ARRAY_SIZE(sections),
	.secret_section = "Zones",
};

static const struct curve default_rate = {
	.n = 3,
	.point = { { 20, 100 }, { 60, 20 }, { 100, 5 } },
};
static const struct curve default_patience = {
	.n = 3,
	.point = { { 20, 6 }, { 60, 20 }, { 100, 25 } },
};

/* What is asked for a weight, and what is shown of it. */
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

static int
check_zones(struct rules *r, struct option_error *error)
{
	for (size_t i = 0; i < r->n_dnsbl; i++) {
		if (name_zone(r, &r->dnsbl[i], error) < 0)
			return -EINVAL;
	}
	return check_trust(r, error);
}

int
rules_check(struct rules *r, struct option_error *ret_error)
{
	if (r->rate.n == 0)
		r->rate = default_rate;
	if (r->patience.n == 0)
		r->patience = default_patience;
	/* Who is seen and who is patient is known for equally long. */
	r->half_life[HISTORY_SEEN] = r->half_life[HISTORY_PATIENT];
	ret_error->line = 0;
	if (r->slow >= r->throttle)
		snprintf(ret_error->text, sizeof(ret_error->text),
		    "[Lanes] Slow=%lld is not below Throttle=%lld",
		    (long long)r->slow, (long long)r->throttle);
	else if (r->throttle >= r->hold)
		snprintf(ret_error->text, sizeof(ret_error->text),
		    "[Lanes] Throttle=%lld is not below Hold=%lld",
		    (long long)r->throttle, (long long)r->hold);
	else
		return check_zones(r, ret_error);
	return -EINVAL;
}

bool
rules_ask_dns(const struct rules *r)
{
	for (int i = FACT_RDNS_NONE; i <= FACT_RDNS_OK; i++) {
		if (r->named[i] != 0)
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
	for (int i = FACT_RDNS_NONE; i <= FACT_RDNS_OK; i++)
		r->named[i] = 0;
	r->n_dnsbl = 0;
}

void
rules_fini(struct rules *r)
{
	struct list_weight *w;

	while ((w = r->list_weight)) {
		r->list_weight = w->next;
		free(w);
	}
	free(r->asn_weight.slot);
	for (size_t i = 0; i < LANE_COUNT; i++)
		free(r->action[i]);
	free(r->history);
	option_fini(&rules_table, r);
	memset(r, 0, sizeof(*r));
}
