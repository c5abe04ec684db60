#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * One record a minute of how many sessions ended and how: what is left of
 * them when Log= does not give each session a record of its own.
 */

#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/loop.h"
#include "bin/tarpitd/tally.h"

struct summary {
	struct loop *loop;
	struct journal *journal;
	const struct tally_sums *total; /* since the start; borrowed */
	struct timer timer;
	bool wanted; /* else a minute is over without a record */
	/* Since the last one. */
	uint64_t since;           /* usec */
	struct tally_sums before; /* what the total was then */
	uint64_t stall;           /* usec; the loop's longest batch */
};

/* All members but `loop`, `journal`, `total` and `wanted` are its own. */
void summary_init(struct summary *);
void summary_fini(struct summary *);

/* The loop's longest batch lately: usec. */
void summary_note_stall(struct summary *, uint64_t stall);

/* Writes the record, unless none is wanted or no session has ended, and
 * begins anew: before the program ends, and before `wanted` changes. */
void summary_flush(struct summary *, uint64_t now);
