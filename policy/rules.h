#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * policy.conf: where the data files are, what each fact weighs, and what a
 * score means.  Read once into tables that answer without searching; never
 * changed after rules_check() but for the names of lists, which the lists'
 * source adds as it meets them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/option.h"
#include "bin/common/util.h"
#include "policy/curve.h"
#include "policy/dnsbl.h"
#include "policy/facts.h"
#include "policy/history.h"
#include "policy/verdict.h"

enum {
	WEIGHT_MAX = 1000000, /* largest weight, either sign */
	RATE_MAX = 1000000,   /* bytes per second */
	PATIENCE_MAX = 3600,  /* seconds */
	DNSBL_MAX = 32,       /* zones, one each for every filter of a zone */
	DNSBL_NAME_MAX = 63,  /* of a name in [Zones] */
	LIST_NAME_MAX = 63,
	RULES_QUESTIONS_MAX = 65536,
};

/* What keys of [Weights] begin with: FAMILY_LIST, ... */
enum fact_family {
#define FACT_FAMILY(id, ...) FAMILY_##id,
#include "policy/facts.def"
	FACT_FAMILY_COUNT
};

/* The facts that have one fixed name each: FACT_COUNTRY_UNKNOWN, ... */
enum named_fact {
#define NAMED_FACT(family, id, ...) FACT_##family##_##id,
#include "policy/facts.def"
	NAMED_FACT_COUNT
};

/* A list's weight and the name of its fact, "list.NAME" or "asnlist.NAME".  Stays where it is
 * for as long as the rules live, so that facts may point to the name. */
struct list_weight {
	struct list_weight *next;
	bool by_hand; /* its name begins with "local-" */
	int32_t weight;
	char name[];
};

/* Open addressing; 0 is a free place (AS 0 is reserved, RFC 7607). */
struct asn_weights {
	size_t n, size; /* size: 0 or a power of two */
	struct asn_weight {
		uint32_t asn;
		int32_t weight;
	} * slot;
};

/* A name that is shown in place of a zone's. */
struct dnsbl_alias {
	char name[DNSBL_NAME_MAX + 1];
	char zone[DNSBL_ZONE_MAX + 1];
};

/* One zone and one filter of its answers. */
struct dnsbl_weight {
	int32_t weight;
	struct dnsbl_filter answers;
	char filter[DNSBL_FILTER_MAX + 1]; /* as written */
	char key[DNSBL_ZONE_MAX + 1];      /* a zone, or a name in [Zones] */
	char zone[DNSBL_ZONE_MAX + 1];     /* what is asked; rules_check() */
	char name[6 + DNSBL_ZONE_MAX + 1]; /* of the fact: "dnsbl.NAME" */
};

/* What of a zone is shown: its name, without a key in it. */
static inline const char *
dnsbl_shown(const struct dnsbl_weight *d)
{
	return d->name + 6; /* behind "dnsbl." */
}

struct rules {
	/* Paths; "" none.  The history may be a redis_url instead. */
	char *lists, *country, *asn, *history;
	uint64_t database_age;        /* usec; 0: any */
	int64_t slow, throttle, hold; /* lowest score of each lane */
	struct curve rate, patience;
	int32_t named[NAMED_FACT_COUNT];
	int32_t patient_weight; /* what older files say; it means nothing */
	int32_t country_weight[COUNTRY_COUNT];
	struct asn_weights asn_weight;
	struct list_weight *list_weight;
	size_t n_dnsbl;
	struct dnsbl_weight dnsbl[DNSBL_MAX];
	size_t n_aliases;
	struct dnsbl_alias alias[DNSBL_MAX];
	char *action[LANE_COUNT];               /* [Postfix] */
	uint64_t ttl;                           /* usec */
	uint64_t half_life[HISTORY_KIND_COUNT]; /* usec; see history.h */
	int64_t lend_after;                     /* hosts; 0: never */
	int64_t history_max;                    /* records */
	uint64_t history_cache;                 /* usec */
	char *dns_servers, *dns_trust, *rdns_generic;
	uint64_t dns_timeout, dns_probe; /* usec */
	int64_t dns_cache;               /* names */
	int64_t dns_network_lookups;     /* a minute, of a /64; 0: any */
	int64_t max_connections, max_questions;
	/* Not an option: the history is not written, for tools beside the
	 * service. */
	bool read_only;
};

/* For option_load(), program_load() and --help; the structure is a struct
 * rules.  rules_check() must follow. */
extern const struct option_table rules_table;

/* What no single line can tell: the lanes ascend, zones have been named.  Gives curves without
 * points their defaults.  0, or -EINVAL and *RET_ERROR's text. */
int rules_check(struct rules *, struct option_error *ret_error) MUST_CHECK;

/* Frees what the structure owns, not itself. */
void rules_fini(struct rules *);

/* "country.unknown", as in policy.conf. */
const char *named_fact_key(enum named_fact);
/* Whether its weight is scaled by how long ago it was. */
bool named_fact_fades(enum named_fact);

/* A fact of fixed name with its weight. */
struct fact rules_fact(const struct rules *, enum named_fact);
/* The fact that the list W has the client. */
struct fact rules_list_fact(const struct list_weight *w);
/* The weight W is a line of policy.conf as shipped whose list is not: nobody has
 * misspelt it. */
bool rules_is_shipped(const struct list_weight *w);
/* Adds a fact of fixed name. */
void rules_add_named(const struct rules *, enum named_fact, struct facts *);

/* Whether any weight is for facts from the DNS, and taking them all away. */
bool rules_ask_dns(const struct rules *);
void rules_forget_dns(struct rules *);

/* Whether a zone counts even when it fails its test. */
bool rules_trust_zone(const struct rules *, const struct dnsbl_weight *);

int32_t rules_asn_weight(const struct rules *, uint32_t asn);

/* The weight of the list NAME in FAMILY_LIST, which is of what has a client's
 * address, or FAMILY_ASNLIST, of what has its autonomous system; made with
 * weight 0 if the rules do not know the list; NULL: no memory. */
struct list_weight *rules_list(
    struct rules *, enum fact_family family, const char *name);
