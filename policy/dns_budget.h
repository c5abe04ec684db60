#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the addresses of one IPv6 network may cost in questions to the DNS.  Who
 * has a /64 has 2^64 addresses, and a list is asked for each as a whole: they
 * would fill the cache, and use up what a list allows us a day.  So a /64 has so
 * many look-ups a minute, a /48 eight times and a /32 64 times as many.
 *
 * When they are spent, an address that is not in the cache is not asked about.
 * That must not be a way round the lists: what a list has lately said of three
 * different addresses of the /64 in a row is taken to hold for all of it, if it
 * was that they are listed.  (That they are not is never taken so.)
 *
 * IPv4 needs none of it: an address costs money, and a /24 has 256.
 *
 * Pure, of a fixed size.  Networks that have spent most are the last whose place
 * is given to another.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/dns_message.h"

enum {
	DNS_BUDGET_NETWORKS = 2048, /* whose spending is known */
	DNS_BUDGET_SAME = 3, /* answers in a row that make it the /64's */
	DNS_BUDGET_PER_48 = 8,
	DNS_BUDGET_PER_32 = 64,
};

/* For so long since the last of them an answer holds for a /64. */
#define DNS_BUDGET_MEMORY (300 * USEC_PER_SEC)

struct dns_budget;

/* For LOOKUPS a minute, and N_ZONES lists.  NULL: no memory. */
struct dns_budget *dns_budget_new(uint32_t lookups, size_t n_zones);
struct dns_budget *dns_budget_free(struct dns_budget *);

/* One look-up more.  False, with nothing spent, if one of its networks has had
 * all of its.  True of IPv4. */
bool dns_budget_spend(
    struct dns_budget *, const struct in6_addr *addr, uint64_t now);

/* What the list number ZONE has said of ADDR. */
void dns_budget_note(struct dns_budget *, const struct in6_addr *addr,
    size_t zone, const struct dns_answer *answer, uint64_t now);
/* Whether it lists all of ADDR's /64, and with which answer. */
bool dns_budget_is_listed(struct dns_budget *, const struct in6_addr *addr,
    size_t zone, uint64_t now, struct dns_answer *ret);
