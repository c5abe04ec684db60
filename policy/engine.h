#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Facts to verdict: weighs the evidence, finds the lane, reads the curves.
 * Pure: no I/O, no clock, no allocation.
 *
 * A fact adds its weight, unless it is cancelled.  Weights above 0 speak
 * against the client, those below 0 for it.
 *
 *   class                 what cancels it
 *   by hand               of a block: an allow list by hand, nothing else
 *   said by others        against it: an allow list by hand
 *                         for it: a block by hand, what it does in the session
 *   done in this session  nothing
 *   learned               against it: an allow list by hand
 *                         for it: a block by hand, what it does in the session;
 *                         more than was learned against it, others
 *   first contact         patience, an allow list, what was learned for it
 *
 * Within a class, and but for the above across them, weights add up: an allow
 * list of others makes up for their block lists.
 */

#include "policy/facts.h"
#include "policy/rules.h"
#include "policy/verdict.h"

/* What of the facts counts. */
struct weighing {
	int32_t score; /* the sum of those that do */
	/* By the fact's number: that of the one that cancels it, or one of
	 * what follows. */
	int16_t cancelled_by[FACTS_MAX];
};

enum {
	FACT_COUNTS = -1,
	FACT_IS_IDLE = -2, /* there is nothing that it could make up for */
};

/* The only place where evidence is combined.  The order of facts does not
 * matter. */
void engine_weigh(const struct facts *, struct weighing *ret);

/* What is still to come of a client whose facts are incomplete: so much from
 * others, at least and at most, and the history or not. */
struct outlook {
	int64_t others_least, others_most;
	bool allow_list; /* others may yet have it on an allow list */
	bool history;
};

/* Whatever comes, the lane will be the same. */
bool engine_is_decided(
    const struct rules *, const struct facts *, const struct outlook *);

/* Something that lasts speaks for the client: its patience, or an allow list. */
bool engine_is_known(const struct facts *);

/* The lane of a score. */
enum lane engine_lane(const struct rules *, int64_t score);

void engine_decide(
    const struct rules *, const struct facts *, struct verdict *ret_verdict);
