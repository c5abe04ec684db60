/* SPDX-License-Identifier: ISC */
#include "bin/common/wheel.h"

#include <assert.h>
#include <string.h>

#define SLOT_MASK (WHEEL_SLOTS - 1)
/* The furthest that level 3 can tell apart: 64^4 ms, about 4.6 hours. */
#define HORIZON ((UINT64_C(1) << (WHEEL_BITS * WHEEL_LEVELS)) - 1)

/* Bits of a tick that level LEVEL does not look at. */
static unsigned int
level_shift(int level)
{
	return (unsigned int)(WHEEL_BITS * level);
}

/* Rounds up: firing late costs a byte, firing early breaks the pace. */
static uint64_t
tick_of(uint64_t usec)
{
	return usec / USEC_PER_MSEC + (usec % USEC_PER_MSEC != 0);
}

void
wheel_init(struct wheel *w, uint64_t now)
{
	memset(w, 0, sizeof(*w));
	w->tick = now / USEC_PER_MSEC;
	w->floor = w->tick + 1;
}

static void
push(struct timer **head, struct timer *t)
{
	t->next = *head;
	if (t->next != NULL)
		t->next->link = &t->next;
	*head = t;
	t->link = head;
}

/* Files T by how far its tick is ahead of the wheel's: a level covers 64 times
 * the one below it.  What lies beyond the horizon waits in the last slot and
 * is filed again when the wheel comes by. */
static void
insert(struct wheel *w, struct timer *t, uint64_t tick)
{
	int level = 0;
	size_t slot;

	if (tick - w->tick > HORIZON)
		tick = w->tick + HORIZON;
	while (level < WHEEL_LEVELS - 1 &&
	    (tick - w->tick) >> level_shift(level + 1) != 0)
		level++;
	slot = (size_t)(tick >> level_shift(level)) & SLOT_MASK;
	push(&w->slot[level][slot], t);
	w->used[level] |= UINT64_C(1) << slot;
}

void
wheel_arm(struct wheel *w, struct timer *t, uint64_t when)
{
	uint64_t earliest = w->floor * USEC_PER_MSEC;

	wheel_cancel(w, t);
	/* Kept in the timer: a cascade on its way must not undo it. */
	t->when = when < earliest ? earliest : when;
	insert(w, t, tick_of(t->when));
}

void
wheel_cancel(struct wheel *w, struct timer *t)
{
	if (t->link == NULL)
		return;
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	t->next = NULL;
	t->link = NULL;
	/* The slot's bit may now be one too many; it is cleared when the wheel
	 * comes by.  Finding out here which slot it was would cost more. */
	(void)w;
}

/* Ticks from the wheel's position to the next used slot of LEVEL, counted in
 * that level's slots: 1 to 64, or 0 if none is used. */
static unsigned int
slots_ahead(const struct wheel *w, int level)
{
	unsigned int first =
	    (unsigned int)((w->tick >> level_shift(level)) + 1) & SLOT_MASK;
	uint64_t used = w->used[level];

	if (used == 0)
		return 0;
	if (first != 0)
		used = used >> first | used << (WHEEL_SLOTS - first);
	return (unsigned int)__builtin_ctzll(used) + 1;
}

static uint64_t
next_tick(const struct wheel *w)
{
	uint64_t next = UINT64_MAX;

	for (int level = 0; level < WHEEL_LEVELS; level++) {
		unsigned int ahead = slots_ahead(w, level);
		unsigned int shift = level_shift(level);
		uint64_t tick = ((w->tick >> shift) + ahead) << shift;

		if (ahead != 0 && tick < next)
			next = tick;
	}
	return next;
}

uint64_t
wheel_next(const struct wheel *w)
{
	uint64_t tick = w->due != NULL ? w->tick : next_tick(w);

	return tick == UINT64_MAX ? USEC_NEVER : tick * USEC_PER_MSEC;
}

/* Takes a whole slot's list into *LIST, which the timers then point back to,
 * so that a handler may still cancel those behind it. */
static void
detach(struct wheel *w, int level, struct timer **list)
{
	size_t slot = (size_t)(w->tick >> level_shift(level)) & SLOT_MASK;

	*list = w->slot[level][slot];
	if (*list != NULL)
		(*list)->link = list;
	w->slot[level][slot] = NULL;
	w->used[level] &= ~(UINT64_C(1) << slot);
}

/* Moves the timers of the higher levels' slots that begin at this tick to
 * where they now belong. */
static void
cascade(struct wheel *w)
{
	for (int level = WHEEL_LEVELS - 1; level > 0; level--) {
		uint64_t below = (UINT64_C(1) << level_shift(level)) - 1;
		struct timer *list, *t;

		if ((w->tick & below) != 0)
			continue;
		detach(w, level, &list);
		while ((t = list) != NULL) {
			wheel_cancel(w, t);
			insert(w, t, tick_of(t->when));
		}
	}
}

/* Fires what is due at the wheel's tick; false if that was enough. */
static bool
fire(struct wheel *w, uint64_t now, bool (*is_enough)(void *arg), void *arg)
{
	struct timer *t;

	while ((t = w->due) != NULL) {
		wheel_cancel(w, t);
		t->on_timer(t, now);
		if (is_enough != NULL && is_enough(arg))
			return false;
	}
	return true;
}

void
wheel_advance_some(
    struct wheel *w, uint64_t now, bool (*is_enough)(void *arg), void *arg)
{
	uint64_t until = now / USEC_PER_MSEC;

	if (until < w->tick || (until == w->tick && w->due == NULL))
		return;
	/* A handler that arms for "now" gets the next advance, so that one
	 * which always does cannot keep this loop going. */
	w->floor = until + 1;
	if (!fire(w, now, is_enough, arg))
		return;
	for (uint64_t next; (next = next_tick(w)) <= until;) {
		w->tick = next;
		cascade(w);
		detach(w, 0, &w->due);
		if (!fire(w, now, is_enough, arg))
			return;
	}
	w->tick = until;
}

void
wheel_advance(struct wheel *w, uint64_t now)
{
	wheel_advance_some(w, now, NULL, NULL);
}

/* One slot: its list is linked both ways, and each timer belongs here. */
static bool
slot_is_sound(const struct wheel *w, int level, size_t slot)
{
	struct timer *const *link = &w->slot[level][slot];

	if (*link != NULL && (w->used[level] >> slot & 1) == 0)
		return false;
	for (const struct timer *t = *link; t != NULL; t = t->next) {
		uint64_t ahead = tick_of(t->when) - w->tick;

		if (t->link != link || tick_of(t->when) <= w->tick)
			return false;
		if (ahead <= HORIZON && ahead >> level_shift(level + 1) != 0)
			return false;
		link = &t->next;
	}
	return true;
}

bool
wheel_check(const struct wheel *w)
{
	for (int level = 0; level < WHEEL_LEVELS; level++)
		for (size_t slot = 0; slot < WHEEL_SLOTS; slot++)
			if (!slot_is_sound(w, level, slot))
				return false;
	return w->floor > w->tick;
}
