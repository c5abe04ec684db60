/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/tally.h"

#include <time.h>

#include "tests/helpers/check.h"

static struct tally tally;

static void
end(enum lane lane, enum outcome outcome, uint32_t held, uint64_t wall)
{
	struct session s = { .lane = (uint8_t)lane,
		.outcome = (uint8_t)outcome,
		.bytes_in = 10,
		.bytes_out = 100 };

	tally_add(&tally, &s, held, wall);
}

static uint64_t
at(const char *zone, const char *when)
{
	struct tm tm = { .tm_isdst = -1 };

	setenv("TZ", zone, 1);
	tzset();
	CHECK(strptime(when, "%Y-%m-%d %H:%M:%S", &tm) != NULL);
	return (uint64_t)mktime(&tm);
}

static void
sessions_count_by_lane_and_outcome(void)
{
	uint64_t wall = at("UTC", "2026-11-22 03:00:00");

	end(LANE_HOLD, OUTCOME_ABANDONED, 2000, wall);
	end(LANE_HOLD, OUTCOME_ABANDONED, 3000, wall);
	end(LANE_HOLD, OUTCOME_REFUSED, 500, wall);
	end(LANE_SLOW, OUTCOME_ABANDONED, 100, wall);
	CHECK_INT(tally.total.ended[LANE_HOLD][OUTCOME_ABANDONED].sessions, 2);
	CHECK_INT(tally.total.ended[LANE_HOLD][OUTCOME_ABANDONED].held, 5000);
	CHECK_INT(tally_outcome(&tally.total, OUTCOME_ABANDONED), 3);
	CHECK_INT(tally_outcome(&tally.total, OUTCOME_PASSED), 0);
	CHECK_INT(tally.total.bytes_in, 40);
	CHECK_INT(tally.total.bytes_out, 400);
	CHECK_INT(tally.stay[LANE_HOLD].sum, 5500 * 1000);
}

static void
today_begins_at_local_midnight(void)
{
	uint64_t late = at("CET-1CEST", "2026-11-22 23:59:59");

	end(LANE_PASS, OUTCOME_PASSED, 0, late);
	CHECK_INT(tally_outcome(tally_today(&tally, late), OUTCOME_PASSED), 1);
	CHECK_INT(
	    tally_outcome(tally_today(&tally, late + 1), OUTCOME_PASSED), 0);
	end(LANE_PASS, OUTCOME_PASSED, 0, late + 1);
	CHECK_INT(tally_outcome(&tally.today, OUTCOME_PASSED), 1);
	CHECK_INT(tally_outcome(&tally.total, OUTCOME_PASSED), 2);
}

/* 25 hours, in which summer time ends. */
static void
a_day_may_be_longer(void)
{
	const char *zone = "CET-1CEST,M3.5.0,M10.5.0/3";
	uint64_t noon = at(zone, "2026-10-25 00:00:01");

	end(LANE_PASS, OUTCOME_PASSED, 0, noon);
	CHECK_INT(tally.midnight, noon - 1 + 25 * 3600);
	CHECK_INT(tally.midnight, at(zone, "2026-10-26 00:00:00"));
}

static void
a_bucket_has_its_upper_bound(void)
{
	const struct histogram_scale *scale = &histogram_stay;
	struct histogram h = { 0 };

	CHECK(scale->n <= HISTOGRAM_BOUNDS_MAX);
	histogram_add(&h, scale, 0);
	histogram_add(&h, scale, scale->bound[0]);
	histogram_add(&h, scale, scale->bound[0] + 1);
	histogram_add(&h, scale, scale->bound[scale->n - 1]);
	histogram_add(&h, scale, scale->bound[scale->n - 1] + 1);
	CHECK_INT(h.count[0], 2);
	CHECK_INT(h.count[1], 1);
	CHECK_INT(h.count[scale->n - 1], 1);
	CHECK_INT(h.count[scale->n], 1);
}

static void
bounds_ascend(void)
{
	const struct histogram_scale *scales[] = { &histogram_stay,
		&histogram_latency };

	for (size_t i = 0; i < ARRAY_SIZE(scales); i++)
		for (size_t j = 1; j < scales[i]->n; j++)
			CHECK(scales[i]->bound[j] > scales[i]->bound[j - 1]);
}

static const struct check_case cases[] = {
	CASE(sessions_count_by_lane_and_outcome),
	CASE(today_begins_at_local_midnight),
	CASE(a_day_may_be_longer),
	CASE(a_bucket_has_its_upper_bound),
	CASE(bounds_ascend),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
