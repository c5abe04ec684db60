/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/tally.h"

#include <string.h>
#include <time.h>

/* The first midnight after WALL.  mktime() takes the 32nd for the 1st of the
 * next month and knows of days of 23 and 25 hours. */
static uint64_t
next_midnight(uint64_t wall)
{
	time_t now = (time_t)wall;
	struct tm tm;

	(void)localtime_r(&now, &tm);
	tm.tm_mday++;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return (uint64_t)mktime(&tm);
}

static void
add_to(struct tally_sums *sums, const struct session *s, uint32_t held)
{
	struct tally_cell *cell = &sums->ended[s->lane][s->outcome];

	cell->sessions++;
	cell->held += held;
	sums->bytes_in += s->bytes_in;
	sums->bytes_out += s->bytes_out;
}

const struct tally_sums *
tally_today(struct tally *t, uint64_t wall)
{
	if (wall >= t->midnight) {
		memset(&t->today, 0, sizeof(t->today));
		t->midnight = next_midnight(wall);
	}
	return &t->today;
}

void
tally_add(
    struct tally *t, const struct session *s, uint32_t held, uint64_t wall)
{
	(void)tally_today(t, wall);
	add_to(&t->total, s, held);
	add_to(&t->today, s, held);
	histogram_add(
	    &t->stay[s->lane], &histogram_stay, (uint64_t)held * USEC_PER_MSEC);
}

uint64_t
tally_outcome(const struct tally_sums *sums, enum outcome outcome)
{
	uint64_t n = 0;

	for (int lane = 0; lane < LANE_COUNT; lane++)
		n += sums->ended[lane][outcome].sessions;
	return n;
}
