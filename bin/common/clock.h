#pragma once
/* SPDX-License-Identifier: ISC */
/* The monotonic clock, for those who own a loop or a main function. */

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
