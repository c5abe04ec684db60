#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Counts over time in bounded memory, for a span that is not known before:
 * bins of a minute, which are merged into wider ones, up to four weeks, when
 * the time goes on.  Pure.
 */

#include <stddef.h>
#include <stdint.h>

enum { TIMELINE_BINS = 168, TIMELINE_KINDS = 4 };

struct timeline {
	size_t n;           /* bins in use */
	int64_t begin;      /* of the first; seconds since the epoch */
	int64_t width;      /* of each, in seconds; 0: nothing was added */
	int64_t utc_offset; /* bins of hours and days begin at local ones */
	uint64_t count[TIMELINE_BINS][TIMELINE_KINDS];
};

/* One of KIND at WHEN (seconds since the epoch).  The UTC_OFFSET (seconds) of
 * the first decides where bins begin.  What is older than the first counts as
 * the first bin's: the journal is in order but for a clock that was set. */
void timeline_add(
    struct timeline *, int64_t when, size_t kind, int64_t utc_offset);

/* All kinds of one bin. */
uint64_t timeline_sum(const struct timeline *, size_t bin);
