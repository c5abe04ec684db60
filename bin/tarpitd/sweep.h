#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The round of visits to slowed sessions.  A second has 100 ticks; the sessions
 * of block i, which are a few neighbouring slots, are visited in tick i modulo
 * 100, or modulo 25 if they are quick ones.  So each one's visits are evenly
 * spaced whatever the others do, the work is spread over the second, and there
 * is no timer a session.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/loop.h"
#include "bin/tarpitd/pool.h"

struct sweep {
	struct loop *loop;
	struct pool *pool;
	/* For those with a cadence in the pool. */
	void (*visit)(void *arg, struct session *s, uint64_t now);
	void *arg;

	struct timer tick;
	uint64_t done; /* the last tick that has been walked */
	uint32_t at;   /* where the walk of the next tick goes on; 0: start */
	uint64_t late; /* ticks left out because we were stopped */
};

void sweep_init(struct sweep *, uint64_t now);
void sweep_fini(struct sweep *);

/* Walks until all due ticks are done or the time of a slice is over; true if
 * there is more to do at once.  With WANTED it goes on ticking. */
bool sweep_run(struct sweep *, bool wanted, uint64_t now);
