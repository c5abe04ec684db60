#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What has become of sessions since the start and since midnight: plain
 * counters, for STATUS=, tarpitctl(1) and the metrics.
 */

#include <stdint.h>

#include "bin/tarpitd/histogram.h"
#include "bin/tarpitd/pool.h"
#include "policy/verdict.h"

struct tally_cell {
	uint64_t sessions;
	uint64_t held; /* msec from accept to the end, of all of them */
};

struct tally_sums {
	struct tally_cell ended[LANE_COUNT][OUTCOME_COUNT];
	uint64_t bytes_in, bytes_out;
};

struct tally {
	struct tally_sums total, today;
	uint64_t midnight; /* wall clock, sec: when `today` ends */
	struct histogram stay[LANE_COUNT];
	uint64_t cache_hits; /* verdicts that needed no question */
	uint64_t probes;     /* came and went without a word; nowhere else */
};

/* Adds S, which has ended HELD msec after it was accepted; WALL is the wall
 * clock in seconds. */
void tally_add(
    struct tally *, const struct session *s, uint32_t held, uint64_t wall);

/* Since the last midnight before WALL, local time. */
const struct tally_sums *tally_today(struct tally *, uint64_t wall);

/* All lanes together. */
uint64_t tally_outcome(const struct tally_sums *, enum outcome);
