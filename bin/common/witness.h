#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Which of the descriptors that were given to others are open there still.
 *
 * No descriptor is kept for it, which would keep what it refers to open: an
 * epoll set is left with what was put into it until the last descriptor of it
 * is closed, wherever that is (epoll(7), question 6), and what it has is listed
 * in /proc/self/fdinfo (proc_pid_fdinfo(5)).  So this asks nobody for anything,
 * and knows no protocol.  Nothing is ever waited for on these sets.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/clock.h"
#include "bin/common/util.h"

enum {
	WITNESS_MAX = 1024, /* descriptors at a time */
	/* Of one set: the list of a full one takes 0.15 ms. */
	WITNESS_SET = 128,
	WITNESS_SETS = WITNESS_MAX / WITNESS_SET,
};

struct witness {
	/* The one with this number is open nowhere any more. */
	void (*on_gone)(void *arg, uint32_t number);
	void *arg;

	int set[WITNESS_SETS]; /* descriptor + 1; 0: not made yet */
	uint64_t used[WITNESS_SETS][WITNESS_SET / 64];
	uint32_t n;
	uint32_t seen;          /* to be open, in the last round */
	uint32_t next, counted; /* of this round: the next set, seen so far */
};

/* What the caller sets stands above the empty line; all else is zero. */
void witness_fini(struct witness *);

/* FD is watched: *RET_NUMBER is its number, below WITNESS_MAX, until it is
 * gone.  0, -ENOSPC if there are too many, or another -errno. */
int witness_add(struct witness *, int fd, uint32_t *ret_number) MUST_CHECK;

/* Goes on with the round of looking at each set once, until the slice is over: 1
 * at its end, 0, or -errno if it cannot be known. */
int witness_look(struct witness *, const struct slice *) MUST_CHECK;
