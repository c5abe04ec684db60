#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * One record a minute of how many sessions ended and how: what is left of
 * them when Log= does not give each session a record of its own.
 */

#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/loop.h"
#include "bin/tarpitd/pool.h"
#include "policy/verdict.h"

struct summary {
	struct loop *loop;
	struct journal *journal;
	struct timer timer;
	bool wanted; /* else it counts, and forgets every minute */
	/* Since the last record. */
	uint64_t since; /* usec */
	uint64_t sessions;
	uint64_t lane[LANE_COUNT], outcome[OUTCOME_COUNT];
	uint64_t held_msec, bytes_in, bytes_out;
	uint64_t stall; /* usec; the loop's longest batch */
};

/* All members but `loop`, `journal` and `wanted` are its own. */
void summary_init(struct summary *);
void summary_fini(struct summary *);

/* Session S has ended after HELD_MSEC. */
void summary_count(
    struct summary *, const struct session *s, uint32_t held_msec);

/* The loop's longest batch lately: usec. */
void summary_note_stall(struct summary *, uint64_t stall);

/* Writes the record, unless none is wanted or no session has ended, and
 * begins anew: before the program ends, and before `wanted` changes. */
void summary_flush(struct summary *, uint64_t now);
