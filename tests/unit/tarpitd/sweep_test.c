/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/sweep.h"

#include "bin/common/clock.h"
#include "policy/verdict.h"
#include "tests/helpers/check.h"

enum { SESSIONS = 3200, TICK_USEC = 10000 };

#define START (1000 * USEC_PER_SEC)

/* When each slot was last visited, how often, and the extremes between. */
static struct {
	uint64_t last, least, most;
	int n;
} seen[SESSIONS + 1];

static struct pool pool;
static struct sweep sweep;
static int visits;
static uint64_t takes; /* usec by the clock: what a visit costs */

static void
visit(void *arg, struct session *s, uint64_t now)
{
	uint32_t slot = pool_slot(&pool, s);
	uint64_t since = now - seen[slot].last;

	(void)arg;
	for (uint64_t from = clock_now(); clock_now() - from < takes;)
		continue;
	visits++;
	if (seen[slot].n++ > 0) {
		if (seen[slot].least == 0 || since < seen[slot].least)
			seen[slot].least = since;
		if (since > seen[slot].most)
			seen[slot].most = since;
	}
	seen[slot].last = now;
}

static void
begin(uint32_t n, enum cadence cadence)
{
	struct loop *loop;

	CHECK_INT(loop_new(&loop), 0);
	CHECK_INT(pool_init(&pool, SESSIONS), 0);
	for (uint32_t i = 0; i < n; i++)
		pool.cadence[pool_take(&pool)] = (uint8_t)cadence;
	sweep = (struct sweep){ .loop = loop, .pool = &pool, .visit = visit };
	sweep_init(&sweep, START);
}

static void
end(void)
{
	struct loop *loop = sweep.loop;

	takes = 0;
	sweep_fini(&sweep);
	pool_fini(&pool);
	loop_free(loop);
}

/* All that is due at NOW, in how many slices. */
static int
run(uint64_t now)
{
	int slices = 1;

	while (sweep_run(&sweep, true, now))
		slices++;
	return slices;
}

static void
run_for(uint64_t seconds)
{
	for (uint64_t t = 1; t <= seconds * 100; t++)
		run(START + t * TICK_USEC);
}

static void
a_slow_session_is_visited_once_a_second(void)
{
	begin(SESSIONS, CADENCE_SLOW);
	run_for(10);
	for (int i = 1; i <= SESSIONS; i++) {
		CHECK_INT(seen[i].n, 10);
		CHECK_INT(seen[i].least, USEC_PER_SEC);
		CHECK_INT(seen[i].most, USEC_PER_SEC);
	}
	end();
}

static void
a_quick_session_is_visited_four_times_a_second(void)
{
	begin(SESSIONS, CADENCE_QUICK);
	run_for(10);
	for (int i = 1; i <= SESSIONS; i++) {
		CHECK_INT(seen[i].n, 40);
		CHECK_INT(seen[i].least, USEC_PER_SEC / 4);
		CHECK_INT(seen[i].most, USEC_PER_SEC / 4);
	}
	end();
}

static void
the_work_is_spread_over_the_second(void)
{
	begin(SESSIONS, CADENCE_SLOW);
	for (uint64_t t = 1; t <= 100; t++) {
		visits = 0;
		run(START + t * TICK_USEC);
		CHECK(visits > 0 && visits <= 2 * SESSIONS / 100);
	}
	end();
}

static void
who_is_not_slowed_is_not_visited(void)
{
	begin(10, CADENCE_SLOW);
	pool.cadence[3] = pool.cadence[4] = CADENCE_NONE;
	run_for(2);
	for (int i = 1; i <= 10; i++)
		CHECK_INT(seen[i].n, i == 3 || i == 4 ? 0 : 2);
	end();
}

static void
a_newcomer_waits_a_second_at_the_most(void)
{
	for (int tick = 0; tick < 100; tick++) {
		memset(seen, 0, sizeof(seen));
		begin(0, CADENCE_NONE);
		for (int t = 1; t <= tick; t++)
			run(START + (uint64_t)t * TICK_USEC);
		pool.cadence[pool_take(&pool)] = CADENCE_SLOW;
		for (int t = tick + 1; t <= tick + 100; t++)
			run(START + (uint64_t)t * TICK_USEC);
		CHECK_INT(seen[1].n, 1);
		end();
	}
}

static void
long_work_is_done_in_slices(void)
{
	begin(SESSIONS, CADENCE_SLOW);
	/* A second's worth at once: a slice lasts 0.5 ms, and the clock is
	 * looked at every 8 visits. */
	takes = 100;
	for (;;) {
		bool more;

		visits = 0;
		more = sweep_run(&sweep, true, START + USEC_PER_SEC);
		CHECK(visits <= 8);
		if (!more)
			break;
		CHECK(visits > 0);
	}
	for (int i = 1; i <= SESSIONS; i++)
		CHECK_INT(seen[i].n, 1);
	end();
}

/* One may move a piece of a message, and is followed by a look at the clock. */
static void
work_that_is_long_ends_a_slice(void)
{
	bool more = true;

	begin(20, CADENCE_SLOW);
	for (uint32_t i = 1; i <= 20; i++)
		pool.session[i].lane = LANE_THROTTLE;
	takes = LOOP_SLICE;
	while (more) {
		visits = 0;
		more = sweep_run(&sweep, true, START + USEC_PER_SEC);
		CHECK(visits <= 1);
	}
	for (int i = 1; i <= 20; i++)
		CHECK_INT(seen[i].n, 1);
	end();
}

static void
a_session_that_ends_between_slices_is_no_trouble(void)
{
	int n = 0;

	begin(SESSIONS, CADENCE_SLOW);
	takes = 100;
	CHECK(sweep_run(&sweep, true, START + USEC_PER_SEC));
	for (int i = 1; i <= SESSIONS; i++)
		pool.cadence[i] = CADENCE_NONE;
	run(START + USEC_PER_SEC);
	for (int i = 1; i <= SESSIONS; i++)
		n += seen[i].n;
	CHECK_INT(n, 8);
	end();
}

/* Broke once: the walk went on in another tick at the old one's slot. */
static void
after_a_stop_one_round_is_made(void)
{
	begin(SESSIONS, CADENCE_SLOW);
	run_for(1);
	/* Stopped in the middle of a tick, for an odd time. */
	takes = 100;
	CHECK(sweep_run(&sweep, true, START + 2 * USEC_PER_SEC));
	takes = 0;
	memset(seen, 0, sizeof(seen));
	visits = 0;
	run(START + 3600 * USEC_PER_SEC + 370000);
	CHECK_INT(visits, SESSIONS);
	for (int i = 1; i <= SESSIONS; i++)
		CHECK_INT(seen[i].n, 1);
	CHECK(sweep.late > 350000);
	end();
}

static void
nothing_to_visit_stops_the_ticking(void)
{
	begin(1, CADENCE_SLOW);
	CHECK(!sweep_run(&sweep, true, START));
	CHECK(timer_is_armed(&sweep.tick));
	CHECK(!sweep_run(&sweep, false, START + TICK_USEC));
	CHECK(!timer_is_armed(&sweep.tick));
	/* What was not wanted is not made good. */
	visits = 0;
	CHECK(!sweep_run(&sweep, false, START + 10 * USEC_PER_SEC));
	CHECK(!sweep_run(&sweep, true, START + 10 * USEC_PER_SEC));
	CHECK_INT(visits, 0);
	CHECK(timer_is_armed(&sweep.tick));
	end();
}

static const struct check_case cases[] = {
	CASE(a_slow_session_is_visited_once_a_second),
	CASE(a_quick_session_is_visited_four_times_a_second),
	CASE(the_work_is_spread_over_the_second),
	CASE(who_is_not_slowed_is_not_visited),
	CASE(a_newcomer_waits_a_second_at_the_most),
	CASE(long_work_is_done_in_slices),
	CASE(work_that_is_long_ends_a_slice),
	CASE(a_session_that_ends_between_slices_is_no_trouble),
	CASE(after_a_stop_one_round_is_made),
	CASE(nothing_to_visit_stops_the_ticking),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
