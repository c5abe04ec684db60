#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Whom the MTA has: nobody tells us when a session that was handed off ends, so
 * it is seen when its descriptor is open nowhere any more (witness.h).  An MTA
 * serves so many at a time (HandoffSessions=), and each of them may be silent
 * for minutes.  So that none has more of these places than it is good for all:
 *
 *  - who has only been patient, which costs six seconds, does not get more than
 *    half of the places; of what is left of that half a host may have an eighth
 *    part, a network around it (IPv4 /24, IPv6 /56 and /48) a quarter;
 *  - who passes may have twice as much, of what is left of all: alone, a fifth
 *    for a host and a third for a network.  So a crowd gets less each, and it
 *    takes many networks to leave nothing;
 *  - who passes has a twentieth for its host and a tenth for its network
 *    whatever is left: there may be more places than we know of.
 *
 * If it cannot be seen who is there, nothing is limited.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bin/common/witness.h"
#include "bin/tarpitd/clients.h"

struct guest;

struct guests {
	uint32_t places; /* HandoffSessions=; 0: nothing is limited */

	struct witness witness;
	struct clients clients;
	struct guest *guest; /* [WITNESS_MAX] */
	uint32_t n, n_graduates;
	uint32_t most;      /* that were served at a time */
	uint64_t next_look; /* usec; not sooner without need */
	bool is_blind;      /* who is there cannot be seen */
	uint64_t tell_at;   /* record; see journal_is_due() */
	/* Counters, of sessions: that had to wait, that were sent away. */
	uint64_t delayed, refused;
};

/* All but PLACES is zero.  0 or -errno. */
int guests_init(struct guests *) MUST_CHECK;
void guests_fini(struct guests *);

/* May one more of CLIENT go to the MTA, which is a GRADUATE or not?  If not,
 * *RET_WIDTH is what has its share, or CLIENT_WIDTHS: graduates, all of them. */
bool guests_may_enter(struct guests *, const struct in6_addr *client,
    bool graduate, uint64_t now, enum client_width *ret_width);

/* How many places there are, as far as we know; 0: nothing is limited. */
uint32_t guests_places(const struct guests *);

/* It goes, with FD, which is to be closed here once it is there.  If it cannot
 * be watched it does not count. */
void guests_enter(struct guests *, int fd, const struct in6_addr *client,
    bool graduate, uint64_t now);

/* Looks who has left, as long as a slice lasts.  UNSERVED of them have not been
 * greeted yet: what is served at a time is what there are places for. */
void guests_look(struct guests *, uint32_t unserved, uint64_t now);
