#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * How long something lasts, when for some of it only a lower bound is known:
 * the Kaplan-Meier estimator (J. Am. Stat. Assoc. 53, 1958, 457-481) over a
 * histogram of fixed bounds, so that memory does not grow with the number of
 * observations.  Pure.
 *
 * A bin holds (lower bound, upper bound].  Up to 2 min the bins are 0.5 s
 * wide, up to 10 min 5 s, up to an hour 1 min, up to a day 10 min: a time is
 * known to that much, and all that happens in one bin counts as happening at
 * its upper bound.  What lasts longer than a day counts as lasting.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SURVIVAL_BINS = 240 + 96 + 50 + 138 };

struct survival {
	uint64_t n;                       /* observations */
	uint64_t ended[SURVIVAL_BINS];    /* seen to end in this bin */
	uint64_t censored[SURVIVAL_BINS]; /* lost sight of in this bin */
};

/* The curve at the upper bound of one bin. */
struct survival_point {
	uint64_t at;      /* usec */
	uint64_t at_risk; /* observed that far, just before this bin's ends */
	double share;     /* that lasts longer */
	double std_error; /* of the share, by Greenwood's formula */
};

struct survival_curve {
	uint64_t n;
	struct survival_point point[SURVIVAL_BINS];
};

/* The bin of a duration of USEC, SURVIVAL_BINS if it has none; the upper
 * bound of a bin. */
size_t survival_bin(uint64_t usec);
uint64_t survival_bound(size_t bin);

/* One observation: USEC until it ended, or was censored. */
void survival_add(struct survival *, uint64_t usec, bool ended);

/* All of B's to A's. */
void survival_merge(struct survival *a, const struct survival *b);

/* Endings seen up to USEC, which is to be a bound. */
uint64_t survival_ended_by(const struct survival *, uint64_t usec);

void survival_estimate(const struct survival *, struct survival_curve *ret);

/* The point of the bin that USEC (> 0) is in; NULL: none was observed so
 * long. */
const struct survival_point *survival_at(
    const struct survival_curve *, uint64_t usec);

/* The first bound by which SHARE (0..1) of them have ended, or 0: they never
 * have. */
uint64_t survival_quantile(const struct survival_curve *, double share);

/* The mean duration if all were ended at USEC, in seconds: the area under the
 * curve up to there. */
double survival_mean(const struct survival_curve *, uint64_t usec);
