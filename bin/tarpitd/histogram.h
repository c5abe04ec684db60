#pragma once
/* SPDX-License-Identifier: ISC */
/* How long something took, counted in fixed buckets: an addition and a search
 * among a dozen bounds, cheap enough for every session. */

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS_MAX = 16 };

/* The upper bounds, usec, ascending; what is above the last one is in a
 * bucket of its own. */
struct histogram_scale {
	size_t n;
	uint64_t bound[HISTOGRAM_BOUNDS_MAX];
};

/* From half a millisecond to ten seconds: what a healthy hand-off takes, and
 * what one takes that waits for an MTA. */
extern const struct histogram_scale histogram_latency;
/* From a second to six hours.  Between 1 and 60 s they are where spammers
 * leave and real senders give up. */
extern const struct histogram_scale histogram_stay;

struct histogram {
	uint64_t count[HISTOGRAM_BOUNDS_MAX + 1]; /* of each bucket alone */
	uint64_t sum;                             /* usec */
};

void histogram_add(
    struct histogram *, const struct histogram_scale *, uint64_t usec);
