#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * A hierarchical timing wheel: arming and cancelling cost the same however
 * many timers there are.  It has no clock of its own; `now` is handed in.
 * Pure: no I/O.  Resolution is one millisecond; a timer never fires early.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/util.h"

enum {
	WHEEL_LEVELS = 4,
	WHEEL_BITS = 6, /* 64 slots a level: one level's list fits a page */
	WHEEL_SLOTS = 1 << WHEEL_BITS,
};

/* Embedded in its owner, which must outlive its being armed.  All zero is a
 * valid idle timer once `on_timer` is set. */
struct timer {
	struct timer *next, **link; /* in a slot; link is NULL when idle */
	uint64_t when;              /* usec; not before it can fire */
	void (*on_timer)(struct timer *, uint64_t now);
};

struct wheel {
	uint64_t tick;  /* msec; everything at or before it has been fired */
	uint64_t floor; /* msec; the earliest that can still be armed */
	uint64_t used[WHEEL_LEVELS]; /* occupancy bitmap of each level */
	struct timer *slot[WHEEL_LEVELS][WHEEL_SLOTS];
	struct timer *due; /* those of w->tick that have not fired yet */
};

void wheel_init(struct wheel *, uint64_t now);

/* Arms T for WHEN, again if it was armed.  Beyond about 4.6 hours ahead the
 * wheel parks it and looks again then; the caller sees no difference.  A time
 * not later than now fires in the next wheel_advance(), never in this one. */
void wheel_arm(struct wheel *, struct timer *t, uint64_t when);
void wheel_cancel(struct wheel *, struct timer *t);

static inline bool
timer_is_armed(const struct timer *t)
{
	return t->link != NULL;
}

/* Fires all timers due at NOW; handlers may arm and cancel any timer. */
void wheel_advance(struct wheel *, uint64_t now);

/* The same, until IS_ENOUGH (asked after each timer) says so: thousands may be
 * due at once.  The rest fires in the next call, before all others. */
void wheel_advance_some(
    struct wheel *, uint64_t now, bool (*is_enough)(void *arg), void *arg);

/* When wheel_advance() next has something to do, at the latest: usec, or
 * USEC_NEVER.  May be early (a cascade), never late. */
uint64_t wheel_next(const struct wheel *);

/* True if all invariants hold; for tests. */
bool wheel_check(const struct wheel *);
