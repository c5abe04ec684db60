#pragma once
/* SPDX-License-Identifier: ISC */
/* The monotonic clock, for those who own a loop, a main function, or a piece of
 * work that others can make long. */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "bin/common/util.h"

/* Monotonic usec: does not move when the administrator sets the clock. */
static inline uint64_t
clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* What may go on in one piece, whatever others make of it: a loop whose length
 * they choose asks slice_is_over() each time (40 ns), and goes on in its next
 * turn. */
struct slice {
	uint64_t until;
};

static inline struct slice
slice_begin(uint64_t usec)
{
	return (struct slice){ clock_now() + usec };
}

static inline bool
slice_is_over(const struct slice *s)
{
	return clock_now() >= s->until;
}
