#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Whom the MTA has: nobody tells us when a session that was handed off ends, so
 * it is seen when its descriptor is open nowhere any more (witness.h).  An MTA
 * serves so many at a time (HandoffSessions=), and each of them may be silent
 * for minutes.  Who has only been patient, a graduate, which costs six seconds,
 * is not to keep others out:
 *
 *  - graduates do not get more than half of the places.  A quarter of all is for
 *    whoever comes first, as long as there are so many;
 *  - beyond that a host may have an eighth part of what is left of their half,
 *    a network around it (IPv4 /24, IPv6 /56 and /48) a quarter.  So a crowd
 *    gets less each, and it takes many networks to leave nothing.
 *
 * Who passes is counted, and not limited: that is the MTA's own matter (such as
 * Postfix's smtpd_client_connection_count_limit), which must not be less.  If it
 * cannot be seen who is there, nothing is limited.
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

/* May one more of CLIENT go to the MTA, which has been patient?  If not,
 * *RET_WIDTH is what has its share, or CLIENT_WIDTHS: graduates, all of them. */
bool guests_may_graduate(struct guests *, const struct in6_addr *client,
    uint64_t now, enum client_width *ret_width);

/* How many places there are, as far as we know; 0: nothing is limited. */
uint32_t guests_places(const struct guests *);

/* It goes, with FD, which is to be closed here once it is there.  If it cannot
 * be watched it does not count. */
void guests_enter(struct guests *, int fd, const struct in6_addr *client,
    bool graduate, uint64_t now);

/* Looks who has left, as long as a slice lasts.  UNSERVED of them have not been
 * greeted yet: what is served at a time is what there are places for. */
void guests_look(struct guests *, uint32_t unserved, uint64_t now);
