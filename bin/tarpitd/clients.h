#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * How much each client has of something that all share: sessions, or whatever
 * another module counts in a table of its own.  A client is counted at each of its widths: an IPv4 address
 * and the /24 around it; an IPv6 /64, which is what one subscriber has, the
 * /56 and the /48 around it, which are what a site may have.
 *
 * Adding, removing and asking take the same time however many there are, and
 * nobody outside can choose what falls together (siphash.h).  Memory is 20
 * bytes for each address or network that has something, and given back when
 * it has nothing any more.  Pure but for the random key.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/siphash.h"
#include "bin/common/util.h"

enum client_width {
	CLIENT_HOST,    /* IPv4 /32, IPv6 /64 */
	CLIENT_NETWORK, /* IPv4 /24, IPv6 /56 */
	CLIENT_SITE,    /* IPv6 /48; IPv4 has none */
	CLIENT_WIDTHS
};

struct client_count;

struct clients {
	struct siphash_key key;
	/* [1 .. n] are in use, without gaps: the array shrinks at its end. */
	struct client_count *node;
	uint32_t *bucket; /* heads of chains; [0 .. n_buckets) */
	uint32_t n, n_buckets, capacity;
	uint32_t n_touched; /* what trimming has not given back yet */
};

/* Limits for each width; 0: none. */
struct client_limits {
	uint32_t max[CLIENT_WIDTHS];
};

/* For CLIENTS that have something at a time.  0 or -errno. */
int clients_init(struct clients *, uint32_t clients) MUST_CHECK;
void clients_fini(struct clients *);

/* N more, or less than it had, at each width. */
void clients_add(struct clients *, const struct in6_addr *, uint32_t n);
void clients_remove(struct clients *, const struct in6_addr *, uint32_t n);

/* What all of that width around the address have; 0 where the address has no
 * such width. */
uint32_t clients_count(
    const struct clients *, const struct in6_addr *, enum client_width);
/* The same for its widest: IPv4 /24, IPv6 /48. */
uint32_t clients_count_widest(const struct clients *, const struct in6_addr *);

/* The narrowest width at which more is counted than LIMITS allows, or
 * CLIENT_WIDTHS. */
enum client_width clients_exceeds(const struct clients *,
    const struct in6_addr *, const struct client_limits *limits);

/* The address with all bits past that width zero, and the prefix's length as
 * one counts in its family; false where the address has no such width. */
bool clients_prefix(const struct in6_addr *, enum client_width,
    struct in6_addr *ret, unsigned int *ret_len);

/* Nobody has anything any more. */
void clients_clear(struct clients *);

/* Gives memory back that is no longer used; may take long after many have
 * left, so at leisure. */
void clients_trim(struct clients *);

/* True if all invariants hold; for tests. */
bool clients_check(const struct clients *);
