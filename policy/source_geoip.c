/* SPDX-License-Identifier: ISC */
/* Facts from databases in MaxMind's format: country, autonomous system. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "data/cidr.h"
#include "policy/explanation.h"
#include "policy/loader.h"
#include "policy/mismatch.h"
#include "policy/source_geoip_internal.h"

struct source {
	const struct geoip_kind *kind;
	const char *path;
	struct rules *rules;
	struct loader *loader;
	struct geoip *db; /* NULL: none could be opened yet */
	bool told_age;    /* of this database */
	bool told_weight; /* of these rules */
};

static int
load_for_loader(
    const void *arg, const char *path, void **ret_data, char *why, size_t size)
{
	struct geoip *db;
	int r = source_geoip_load(arg, path, &db, why, size);

	if (r == 0)
		*ret_data = db;
	return r;
}

static void
free_for_loader(void *db)
{
	source_geoip_free(db);
}

static const struct loader_kind loader_kind = { load_for_loader,
	free_for_loader };

static int
geoip_open(struct source **ret_source, const struct geoip_kind *kind,
    struct rules *rules, const char *path)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->kind = kind;
	s->rules = rules;
	s->path = path;
	s->loader = loader_new(&loader_kind, kind);
	if (!s->loader) {
		free(s);
		return -ENOMEM;
	}
	*ret_source = s;
	return 0;
}

static int
country_open(struct source **ret_source, struct rules *rules, struct loop *loop)
{
	(void)loop;
	return geoip_open(
	    ret_source, &source_geoip_country, rules, rules->country);
}

static int
asn_open(struct source **ret_source, struct rules *rules, struct loop *loop)
{
	(void)loop;
	return geoip_open(ret_source, &source_geoip_asn, rules, rules->asn);
}

static struct source *
source_free(struct source *s)
{
	if (s) {
		loader_free(s->loader);
		source_geoip_free(s->db);
		free(s);
	}
	return NULL;
}

static void
geoip_inherit(struct source *s, struct source *old)
{
	struct loader *loader = s->loader;

	if (strcmp(s->path, old->path) != 0)
		return;
	s->db = old->db;
	old->db = NULL;
	s->told_age = old->told_age;
	/* With what it may be loading, and what it has seen. */
	s->loader = old->loader;
	old->loader = loader;
}

/* Seconds since it was built; 0: it does not say when. */
static int64_t
age_of(const struct geoip *db)
{
	uint64_t built = db->mmdb.metadata.build_epoch;

	return built == 0 || built > INT64_MAX
	    ? 0
	    : (int64_t)time(NULL) - (int64_t)built;
}

/* Addresses move between owners: an old database is wrong of more and more of
 * them. */
static bool
tell_age(struct source *s, struct source_note *note)
{
	int64_t age = s->db ? age_of(s->db) : 0;
	char text[AGE_SIZE];

	if (s->told_age || s->rules->database_age == 0 ||
	    age <= (int64_t)(s->rules->database_age / USEC_PER_SEC))
		return false;
	s->told_age = note->is_warning = note->has_data = true;
	snprintf(note->file, sizeof(note->file), "%s", s->path);
	snprintf(note->text, sizeof(note->text),
	    "%s was built %s ago; fetch a newer one (geoip.conf)",
	    s->db->mmdb.metadata.database_type, explanation_age(age, text));
	return true;
}

/* A weight of what is never found: the administrator means country.unknown. */
static bool
tell_weight(struct source *s, struct source_note *note)
{
	if (s->told_weight || s->kind != &source_geoip_country || !s->db)
		return false;
	s->told_weight = true;
	for (size_t i = 0; i < COUNTRY_COUNT; i++) {
		const char code[] = { (char)('A' + i / 26),
			(char)('A' + i % 26), '\0' };

		if (s->rules->country_weight[i] == 0 ||
		    source_geoip_is_country(code))
			continue;
		note->is_warning = note->has_data = true;
		snprintf(note->file, sizeof(note->file), "%s", s->path);
		snprintf(note->text, sizeof(note->text),
		    "%s is no country: the weight country.%s counts for "
		    "nothing, such clients are country.unknown",
		    code, code);
		return true;
	}
	return false;
}

static const char *
coverage(const struct geoip *db)
{
	if (!db->has[GEOIP_V6])
		return "; it has IPv4 only, so nothing is said of IPv6 clients";
	if (!db->has[GEOIP_V4])
		return "; it has IPv6 only, so nothing is said of IPv4 clients";
	return "";
}

static bool
geoip_refresh(struct source *s, struct source_note *note)
{
	char why[200] = "";
	void *db = NULL;
	int r = 0;

	if (*s->path == '\0')
		return false;
	if (!loader_poll(s->loader, s->path, &r, &db, why, sizeof(why)))
		return tell_age(s, note) || tell_weight(s, note);
	if (r == 0) {
		loader_discard(s->loader, s->db);
		s->db = db;
		s->told_age = false;
	}
	note->failed = r < 0;
	note->has_data = s->db != NULL;
	snprintf(note->file, sizeof(note->file), "%s", s->path);
	if (r < 0)
		snprintf(note->text, sizeof(note->text), "%s", why);
	else
		snprintf(note->text, sizeof(note->text), "%.80s, %u nodes%s",
		    s->db->mmdb.metadata.database_type,
		    s->db->mmdb.metadata.node_count, coverage(s->db));
	return true;
}

/* 1 with *RET_ENTRY, 0 if the database does not have the address, or -EINVAL
 * if it can say nothing of it: IPv6, asked of a database of IPv4. */
static int
find_entry(MMDB_s *mmdb, const struct in6_addr *addr, MMDB_entry_s *ret_entry)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to = { .in6 = { .sin6_family = AF_INET6, .sin6_addr = *addr } };
	MMDB_lookup_result_s result;
	int error;

	if (cidr_addr_is_v4(addr)) {
		to.in = (struct sockaddr_in){ .sin_family = AF_INET };
		memcpy(&to.in.sin_addr, &addr->s6_addr[12], 4);
	}
	result = MMDB_lookup_sockaddr(mmdb, &to.sa, &error);
	if (error != MMDB_SUCCESS)
		return -EINVAL;
	*ret_entry = result.entry;
	return result.found_entry;
}

static void
geoip_add(struct source *s, struct inquiry *q)
{
	struct geoip_cached *cached;
	MMDB_entry_s entry;
	int r;

	if (!s->db->has[cidr_addr_is_v4(&q->addr) ? GEOIP_V4 : GEOIP_V6])
		return;
	r = find_entry(&s->db->mmdb, &q->addr, &entry);
	if (r == 0)
		s->kind->add(q, 0);
	if (r <= 0)
		return;
	cached = &s->db->cache[entry.offset * UINT32_C(2654435769) >> 20];
	if (cached->offset != entry.offset + 1) {
		cached->offset = entry.offset + 1;
		cached->value = source_geoip_read(s->kind, &entry);
	}
	s->kind->add(q, cached->value);
}

static enum source_ask
geoip_ask(struct source *s, struct inquiry *q)
{
	size_t since = q->facts.n;
	char age[AGE_SIZE];

	if (!s->db)
		return SOURCE_DONE;
	geoip_add(s, q);
	if (q->explain)
		inquiry_explain(q, since, "%s, %s old",
		    s->db->mmdb.metadata.database_type,
		    explanation_age(age_of(s->db), age));
	return SOURCE_DONE;
}

static void
add_missing(struct mismatch *m, const char *name, int32_t weight)
{
	if (weight != 0)
		mismatch_add(m, "%s=%" PRIi32 " (no database)", name, weight);
}

static void
country_mismatch(const struct source *s, struct mismatch *m)
{
	const struct rules *r = s->rules;

	if (s->db)
		return;
	for (int i = 0; i < COUNTRY_COUNT; i++) {
		const char name[] = { 'c', 'o', 'u', 'n', 't', 'r', 'y', '.',
			(char)('A' + i / 26), (char)('A' + i % 26), '\0' };

		add_missing(m, name, r->country_weight[i]);
	}
	add_missing(m, named_fact_key(FACT_COUNTRY_UNKNOWN),
	    r->named[FACT_COUNTRY_UNKNOWN]);
}

static void
asn_mismatch(const struct source *s, struct mismatch *m)
{
	const struct rules *r = s->rules;
	char name[16];

	if (s->db)
		return;
	for (size_t i = 0; i < r->asn_weight.size; i++) {
		snprintf(name, sizeof(name), "asn.%" PRIu32,
		    r->asn_weight.slot[i].asn);
		if (r->asn_weight.slot[i].asn != 0)
			add_missing(m, name, r->asn_weight.slot[i].weight);
	}
	add_missing(
	    m, named_fact_key(FACT_ASN_UNKNOWN), r->named[FACT_ASN_UNKNOWN]);
	for (const struct list_weight *w = r->list_weight; w; w = w->next) {
		if (strncmp(w->name, "asnlist.", 8) == 0)
			add_missing(m, w->name, w->weight);
	}
}

const struct source_ops source_country = {
	.open = country_open,
	.free = source_free,
	.inherit = geoip_inherit,
	.refresh = geoip_refresh,
	.ask = geoip_ask,
	.mismatch = country_mismatch,
};

const struct source_ops source_asn = {
	.open = asn_open,
	.free = source_free,
	.inherit = geoip_inherit,
	.refresh = geoip_refresh,
	.ask = geoip_ask,
	.mismatch = asn_mismatch,
};
