/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/timeline.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

enum { NOON = 1795348800 }; /* 2026-11-22 12:00 UTC */

static uint64_t
sum_all(const struct timeline *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->n; i++)
		sum += timeline_sum(t, i);
	return sum;
}

static void
begins_with_minutes(void)
{
	static struct timeline t;

	timeline_add(&t, NOON + 59, 0, 0);
	timeline_add(&t, NOON + 60, 1, 0);
	timeline_add(&t, NOON + 61, 1, 0);
	CHECK_INT(t.begin, NOON);
	CHECK_INT(t.width, 60);
	CHECK_INT(t.n, 2);
	CHECK_INT(t.count[0][0], 1);
	CHECK_INT(t.count[1][1], 2);
}

/* Every width on the way, up to years: nothing is lost, and bins stay where
 * the wide ones will be. */
static void
grows_without_losing_any(void)
{
	static struct timeline t;
	uint64_t n = 0;

	for (int64_t when = NOON + 7; when < NOON + 400 * 86400LL;
	     when += when - NOON) {
		timeline_add(&t, when, 2, 3600);
		CHECK_INT(sum_all(&t), ++n);
		CHECK_INT((t.begin + 3600) % t.width, 0);
		CHECK(t.n <= TIMELINE_BINS);
		CHECK(t.begin <= NOON);
		CHECK(t.begin + (int64_t)t.n * t.width > when);
	}
	CHECK_INT(t.width, 7 * 86400);
}

/* A week is to be seen by the hour. */
static void
a_week_has_hours(void)
{
	static struct timeline t;

	for (int i = 0; i < 7 * 24; i++)
		timeline_add(&t, NOON + i * 3600, 0, 0);
	CHECK_INT(t.width, 3600);
	CHECK_INT(t.n, 168);
	for (size_t i = 0; i < t.n; i++)
		CHECK_INT(timeline_sum(&t, i), 1);
}

static void
days_begin_at_local_midnight(void)
{
	static struct timeline t;

	/* 12:00 UTC is 23:00 at +11; days later the bins are of days. */
	timeline_add(&t, NOON, 0, 11 * 3600);
	timeline_add(&t, NOON + 100 * 86400, 0, 11 * 3600);
	CHECK_INT(t.width, 86400);
	CHECK_INT(t.begin, NOON - 23 * 3600);
}

static void
earlier_ones_count_as_the_first(void)
{
	static struct timeline t;

	timeline_add(&t, NOON, 0, 0);
	timeline_add(&t, NOON - 100000, 1, 0);
	CHECK_INT(t.n, 1);
	CHECK_INT(timeline_sum(&t, 0), 2);
}

static void
a_wrong_clock_counts_as_the_last(void)
{
	static struct timeline t;

	timeline_add(&t, 0, 0, 0);
	timeline_add(&t, INT64_MAX / 1000000, 0, 0);
	CHECK_INT(t.n, TIMELINE_BINS);
	CHECK_INT(sum_all(&t), 2);
}

static const struct check_case cases[] = {
	CASE(begins_with_minutes),
	CASE(grows_without_losing_any),
	CASE(a_week_has_hours),
	CASE(days_begin_at_local_midnight),
	CASE(earlier_ones_count_as_the_first),
	CASE(a_wrong_clock_counts_as_the_last),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
