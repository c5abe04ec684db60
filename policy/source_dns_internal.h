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
#include "policy/dnsbl.h"
#include "policy/rdns_rules.h"
#include "policy/resolver.h"
#include "policy/rules.h"
#include "policy/source.h"
#include "policy/watch.h"

enum {
	/* RFC 5782 5: 127.0.0.2 is listed, 127.0.0.1 is not. */
	TEST_LISTED = 0,
	TEST_UNLISTED = 1,
	TEST_COUNT
};

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

/* ---- source_dns_lookup.c ---- */

/* See source.h. */
enum source_ask source_dns_ask(struct source *, struct inquiry *);
void source_dns_cancel(struct source *, struct inquiry *);
/* Ends it with nothing told. */
void source_dns_lookup_free(struct lookup *);

/* ---- source_dns_zone.c ---- */

/* The zone is out of order, and WHY. */
void source_dns_zone_fail(struct zone *, const char *why);
/* An answer that says that we are refused says so of the whole zone. */
bool source_dns_is_refusal(const struct dns_answer *);
/* Adds the facts of a zone's answer. */
void source_dns_add_listing(
    struct inquiry *, const struct zone *, const struct dns_answer *);
/* Asks for the zone's test addresses, and judges it by the answers. */
void source_dns_probe_zone(struct zone *);
