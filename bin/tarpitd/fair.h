#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A queue for places of which there are few, in which a crowd is no advantage:
 * the next place goes to the network with the fewest places in use, in it to
 * the host whose turn it is, and of it to the client that has waited longest.
 * One host has at most a share of the places, its network twice as many, so
 * that a neighbour has one as well.  Who has been blamed for keeping a place
 * for long comes after those who have not, and has half of that for a while.
 */

#include <stdbool.h>

#include "bin/tarpitd/party.h"

enum { FAIR_PLACES_MAX = 1000 };

struct fair_party;
struct fair_place;

struct fair_list {
	struct fair_party *first, *last;
};

struct fair {
	uint32_t capacity; /* slots are 1..capacity */
	uint32_t share;    /* of one host, at least 1; may change */

	struct parties parties;
	struct fair_place *place;
	/* Networks that may have a place and have somebody waiting, by how
	 * many they have and whether they have been blamed. */
	struct fair_list *ready;
	struct fair_list blamed; /* who is remembered for nothing else */
	uint32_t n_waiting, n_ready, n_blamed;
};

/* What the caller sets stands above the empty line.  0 or -ENOMEM. */
int fair_init(struct fair *) MUST_CHECK;
void fair_fini(struct fair *);

/* The client in SLOT waits from now on, behind its host's others, or before
 * them.  0 or -ENOMEM. */
int fair_wait(struct fair *, uint32_t slot, const struct in6_addr *client,
    bool first) MUST_CHECK;
bool fair_is_waiting(const struct fair *, uint32_t slot);
/* Not any more. */
void fair_leave(struct fair *, uint32_t slot);
/* Whose turn it is, or 0. */
uint32_t fair_next(const struct fair *);

/* May CLIENT have a place without waiting, because it has kept one? */
bool fair_may_take(const struct fair *, const struct in6_addr *client);
/* It has a place: what is to be given back.  NULL if there is no memory. */
struct party *fair_take(struct fair *, const struct in6_addr *client);
void fair_give_back(struct fair *, struct party *);

/* It has kept a place for long, without a reason that the others share.  NOW
 * and times are usec. */
void fair_blame(struct fair *, struct party *, uint64_t now);
/* Forgets what is long ago. */
void fair_forgive(struct fair *, uint64_t now);
