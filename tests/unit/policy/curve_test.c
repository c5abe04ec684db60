/* SPDX-License-Identifier: ISC */
#include "policy/curve.h"

#include <errno.h>

#include "tests/helpers/check.h"

static const struct curve rate = {
	.n = 3,
	.point = { { 20, 100 }, { 60, 20 }, { 100, 5 } },
};

static void
flat_outside(void)
{
	CHECK_INT(curve_at(&rate, -1000000), 100);
	CHECK_INT(curve_at(&rate, 19), 100);
	CHECK_INT(curve_at(&rate, 101), 5);
	CHECK_INT(curve_at(&rate, 1000000), 5);
}

static void
exact_at_points(void)
{
	CHECK_INT(curve_at(&rate, 20), 100);
	CHECK_INT(curve_at(&rate, 60), 20);
	CHECK_INT(curve_at(&rate, 100), 5);
}

static void
linear_between(void)
{
	CHECK_INT(curve_at(&rate, 40), 60);
	CHECK_INT(curve_at(&rate, 21), 98);
	CHECK_INT(curve_at(&rate, 76), 14);
	CHECK_INT(curve_at(&rate, 77), 14); /* 13.6 */
	CHECK_INT(curve_at(&rate, 99), 5);  /* 5.4 */
}

static void
rises_too(void)
{
	struct curve c = { 2, { { -10, 1 }, { 10, 1000000 } } };

	CHECK_INT(curve_at(&c, -10), 1);
	CHECK_INT(curve_at(&c, 0), 500001); /* 500000.5 */
	CHECK_INT(curve_at(&c, 10), 1000000);
}

static void
extreme_points_do_not_overflow(void)
{
	struct curve c = { 2, { { -1000000, 1 }, { 1000000, 1000000 } } };

	CHECK_INT(curve_at(&c, 999999), 1000000);
	CHECK_INT(curve_at(&c, -999999), 1);
}

static void
one_point_is_flat(void)
{
	struct curve c = { 1, { { 50, 7 } } };

	CHECK_INT(curve_at(&c, 49), 7);
	CHECK_INT(curve_at(&c, 50), 7);
	CHECK_INT(curve_at(&c, 51), 7);
}

static void
points_in_any_order(void)
{
	struct curve c = { 0 };

	CHECK_INT(curve_set(&c, 100, 5), 0);
	CHECK_INT(curve_set(&c, 20, 100), 0);
	CHECK_INT(curve_set(&c, 60, 20), 0);
	CHECK_INT(c.n, 3);
	CHECK_INT(curve_at(&c, 40), 60);
}

static void
same_score_replaces(void)
{
	struct curve c = rate;

	CHECK_INT(curve_set(&c, 60, 30), 0);
	CHECK_INT(c.n, 3);
	CHECK_INT(curve_at(&c, 60), 30);
}

static void
remove_point(void)
{
	struct curve c = rate;

	curve_remove(&c, 61);
	CHECK_INT(c.n, 3);
	curve_remove(&c, 60);
	CHECK_INT(c.n, 2);
	CHECK_INT(curve_at(&c, 100), 5);
	CHECK_INT(curve_at(&c, 60), 52); /* 52.5, falling */
}

static void
full_at_16(void)
{
	struct curve c = { 0 };

	for (int i = 0; i < CURVE_MAX; i++)
		CHECK_INT(curve_set(&c, i, i), 0);
	CHECK_INT(curve_set(&c, 99, 1), -ENOSPC);
	CHECK_INT(curve_set(&c, 3, 33), 0);
	CHECK_INT(curve_at(&c, 3), 33);
	CHECK_INT(c.n, CURVE_MAX);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(flat_outside),
		CASE(exact_at_points),
		CASE(linear_between),
		CASE(rises_too),
		CASE(extreme_points_do_not_overflow),
		CASE(one_point_is_flat),
		CASE(points_in_any_order),
		CASE(same_score_replaces),
		CASE(remove_point),
		CASE(full_at_16),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
