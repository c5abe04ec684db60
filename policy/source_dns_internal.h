#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the source of facts from the DNS have in common: the source
 * (source_dns.c), one client's look-up (source_dns_lookup.c), zones and their
 * tests (source_dns_zone.c).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/loop.h"
#include "policy/dns_budget.h"
#include "policy/dnsbl.h"
#include "policy/rdns_rules.h"
#include "policy/resolver.h"
#include "policy/rules.h"
#include "policy/source.h"
#include "policy/watch.h"

enum zone_family { ZONE_V4, ZONE_V6, ZONE_FAMILIES };

/* RFC 5782 5: in a list of IPv4, 127.0.0.2 is listed and 127.0.0.1 is not; in
 * one of IPv6 the same holds for ::ffff:7f00:2 and ::ffff:7f00:1. */
enum { TEST_LISTED = 0, TEST_UNLISTED = 1, TEST_COUNT };

/* One zone, whatever number of filters it has in the rules. */
struct zone {
	struct source *source;
	const char *name;
	const char *shown;   /* to people: the name may have a key in it */
	int64_t least, most; /* what it can add to a score */
	bool trusted;        /* used even when it fails its test */
	bool good;           /* it has passed its test, or is trusted */
	bool asks[ZONE_FAMILIES];
	bool told_bad, told_odd, told_answer;
	uint32_t odd_answer; /* to a client, and ignored; 0: none */
	char why[200]; /* it is not good; or what is odd about a trusted one */
	uint64_t next_probe, probed;
	size_t probes; /* under way */
	struct zone_probe {
		struct resolver_wait wait;
		struct zone *zone;
		enum dns_status status;
		bool listed;
		uint32_t refusal; /* the answer that is no listing; 0: none */
	} probe[ZONE_FAMILIES][TEST_COUNT];
};

struct source {
	struct rules *rules;
	struct loop *loop;
	struct resolver *resolver; /* NULL: nothing is to be asked */
	struct dns_budget *budget; /* NULL: any number of look-ups */
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

/* ---- source_dns_lookup.c ---- */

/* See source.h. */
enum source_ask source_dns_ask(struct source *, struct inquiry *);
void source_dns_cancel(struct source *, struct inquiry *);
/* Ends it with nothing told. */
void source_dns_lookup_free(struct lookup *);

/* ---- source_dns_zone.c ---- */

/* An answer that is no listing says of the whole zone that we are refused, or
 * that answers are made up: that answer, else 0. */
uint32_t source_dns_refusal(const struct dns_answer *);
/* What such an answer to a client's question means for the zone. */
void source_dns_zone_refuses(struct zone *, uint32_t answer);
/* Adds the facts of a zone's answer. */
void source_dns_add_listing(
    struct inquiry *, const struct zone *, const struct dns_answer *);
/* Asks for the zone's test addresses, and judges it by the answers. */
void source_dns_probe_zone(struct zone *);
