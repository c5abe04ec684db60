/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/sweep.h"

#include "bin/common/clock.h"
#include "policy/verdict.h"

enum {
	TICKS = 100,      /* a second */
	QUICK_TICKS = 25, /* a quick session's round */
	/* Sessions side by side that are visited in the same tick: they share
	 * pages and cache lines, in the kernel too, where their sockets were
	 * made one after the other.  With 18,000 held sessions 4 cost 5 % more
	 * CPU, and 128 save nothing more. */
	BLOCK = 32,
	/* Visits of plainly held sessions between two looks at the clock:
	 * 4 us each.  Any other may take long, and is followed by one. */
	VISITS_PER_LOOK = 8,
};

#define TICK (USEC_PER_SEC / TICKS)

/* How much of a slice is left. */
struct look {
	int visits; /* until the clock is looked at */
	struct slice slice;
};

/* The work is done after the batch, in slices; this only wakes us up. */
static void
on_tick(struct timer *t, uint64_t now)
{
	(void)t;
	(void)now;
}

void
sweep_init(struct sweep *w, uint64_t now)
{
	w->tick.on_timer = on_tick;
	w->done = now / TICK;
	w->at = 0;
	w->late = 0;
}

void
sweep_fini(struct sweep *w)
{
	loop_cancel(w->loop, &w->tick);
}

/* The slot to be looked at after SLOT in the same tick. */
static uint32_t
next_slot(uint32_t slot)
{
	slot++;
	return slot % BLOCK != 0 ? slot : slot + (QUICK_TICKS - 1) * BLOCK;
}

/* Whether a visit costs what a drip does: no message, no handshake, no end. */
static bool
is_cheap(const struct session *s)
{
	return s->lane != LANE_THROTTLE && s->tls == NULL &&
	    s->state != SESSION_CLOSED && s->state != SESSION_HANDOFF;
}

/* Walks tick W->done + 1 from where it stands; false if the slice ran out. */
static bool
walk(struct sweep *w, struct look *look, uint64_t now)
{
	uint32_t slow_phase = (uint32_t)((w->done + 1) % TICKS);
	uint32_t slot = w->at;

	if (slot == 0)
		slot = slow_phase % QUICK_TICKS * BLOCK;
	for (; slot <= w->pool->high; slot = next_slot(slot)) {
		uint8_t cadence = w->pool->cadence[slot];

		if (cadence == CADENCE_NONE ||
		    (cadence == CADENCE_SLOW &&
			slot / BLOCK % TICKS != slow_phase))
			continue;
		if (look->visits == 0 && slice_is_over(&look->slice)) {
			w->at = slot;
			return false;
		}
		if (look->visits == 0)
			look->visits = VISITS_PER_LOOK;
		look->visits--;
		w->visit(w->arg, &w->pool->session[slot], now);
		if (!is_cheap(&w->pool->session[slot]))
			look->visits = 0;
	}
	w->at = 0;
	w->done++;
	return true;
}

bool
sweep_run(struct sweep *w, bool wanted, uint64_t now)
{
	uint64_t due = now / TICK;
	struct look look = { VISITS_PER_LOOK, slice_begin(LOOP_SLICE) };

	if (!wanted) {
		w->done = due;
		w->at = 0;
		loop_cancel(w->loop, &w->tick);
		return false;
	}
	/* After more than a second (SIGSTOP, a suspended machine) one round is
	 * as good as many: pace is reckoned from time, not from visits. */
	if (due - w->done > TICKS) {
		w->late += due - w->done - TICKS;
		w->done = due - TICKS;
		w->at = 0; /* which was a place in another tick's walk */
	}
	while (w->done < due)
		if (!walk(w, &look, now))
			return true;
	if (!timer_is_armed(&w->tick))
		loop_arm(w->loop, &w->tick, (due + 1) * TICK);
	return false;
}
