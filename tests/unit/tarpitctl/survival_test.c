/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/survival.h"

#include <math.h>

#include "bin/common/util.h"
#include "tests/helpers/check.h"

static bool
near(double a, double b, double error)
{
	return fabs(a - b) <= error;
}

static void
add(struct survival *s, double seconds, bool ended)
{
	survival_add(s, (uint64_t)(seconds * (double)USEC_PER_SEC), ended);
}

static void
bins_have_their_bounds(void)
{
	CHECK_INT(survival_bin(0), 0);
	CHECK_INT(survival_bin(500000), 0);
	CHECK_INT(survival_bin(500001), 1);
	CHECK_INT(survival_bin(25 * USEC_PER_SEC), 49);
	CHECK_INT(survival_bin(120 * USEC_PER_SEC), 239);
	CHECK_INT(survival_bin(120 * USEC_PER_SEC + 1), 240);
	CHECK_INT(survival_bound(0), 500000);
	CHECK_INT(survival_bound(49), 25 * USEC_PER_SEC);
	CHECK_INT(survival_bound(239), 120 * USEC_PER_SEC);
	CHECK_INT(survival_bound(240), 125 * USEC_PER_SEC);
	CHECK_INT(survival_bound(335), 600 * USEC_PER_SEC);
	CHECK_INT(survival_bound(336), 660 * USEC_PER_SEC);
	CHECK_INT(survival_bound(385), 3600 * USEC_PER_SEC);
	CHECK_INT(survival_bound(SURVIVAL_BINS - 1), 86400 * USEC_PER_SEC);
	CHECK_INT(survival_bin(86400 * USEC_PER_SEC + 1), SURVIVAL_BINS);
	CHECK_INT(survival_bin(UINT64_MAX), SURVIVAL_BINS);
	for (size_t i = 0; i < SURVIVAL_BINS; i++) {
		CHECK_INT(survival_bin(survival_bound(i)), i);
		CHECK_INT(survival_bin(survival_bound(i) + 1), i + 1);
	}
}

/* Freireich et al., Blood 21, 1963, 699-716: weeks of remission under
 * 6-mercaptopurine, the example of most textbooks.  Weeks are seconds here;
 * the shares and Greenwood's errors are those of the textbooks. */
static void
the_remissions_of_freireich(void)
{
	static const double ended[] = { 6, 6, 6, 7, 10, 13, 16, 22, 23 };
	static const double censored[] = { 6, 9, 10, 11, 17, 19, 20, 25, 32, 32,
		34, 35 };
	static const struct {
		int week;
		uint64_t at_risk;
		double share, std_error;
	} expected[] = {
		{ 6, 21, 0.8571, 0.0764 },
		{ 7, 17, 0.8067, 0.0869 },
		{ 10, 15, 0.7529, 0.0963 },
		{ 13, 12, 0.6902, 0.1068 },
		{ 16, 11, 0.6275, 0.1141 },
		{ 22, 7, 0.5378, 0.1282 },
		{ 23, 6, 0.4482, 0.1346 },
	};
	static struct survival s;
	static struct survival_curve c;

	for (size_t i = 0; i < ARRAY_SIZE(ended); i++)
		add(&s, ended[i], true);
	for (size_t i = 0; i < ARRAY_SIZE(censored); i++)
		add(&s, censored[i], false);
	survival_estimate(&s, &c);
	CHECK_INT(c.n, 21);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct survival_point *p =
		    survival_at(&c, (uint64_t)expected[i].week * USEC_PER_SEC);

		CHECK_INT(p->at, (uint64_t)expected[i].week * USEC_PER_SEC);
		CHECK_INT(p->at_risk, expected[i].at_risk);
		CHECK(near(p->share, expected[i].share, 0.0001));
		CHECK(near(p->std_error, expected[i].std_error, 0.0001));
	}
	/* The median remission is 23 weeks. */
	CHECK_INT(survival_quantile(&c, 0.5), 23 * USEC_PER_SEC);
}

static void
without_censoring_it_is_the_share_that_is_left(void)
{
	static struct survival s;
	static struct survival_curve c;

	for (int i = 1; i <= 10; i++)
		add(&s, i, true);
	survival_estimate(&s, &c);
	CHECK(near(survival_at(&c, 500000)->share, 1, 0));
	CHECK(near(survival_at(&c, 3 * USEC_PER_SEC)->share, 0.7, 1e-12));
	CHECK(near(survival_at(&c, 10 * USEC_PER_SEC)->share, 0, 0));
	CHECK(near(survival_at(&c, 10 * USEC_PER_SEC)->std_error, 0, 0));
	/* sqrt(0.7 * 0.3 / 10): binomial. */
	CHECK(
	    near(survival_at(&c, 3 * USEC_PER_SEC)->std_error, 0.14491, 1e-5));
	/* (1 + ... + 10) / 10 */
	CHECK(near(survival_mean(&c, 3600 * USEC_PER_SEC), 5.5, 1e-9));
	/* 1 + 0.9 + 0.8 + 0.7 / 2: cut in mid-step. */
	CHECK(near(survival_mean(&c, 3500000), 3.05, 1e-9));
}

static void
all_censored_is_all_left(void)
{
	static struct survival s;
	static struct survival_curve c;

	add(&s, 6, false);
	add(&s, 6, false);
	survival_estimate(&s, &c);
	CHECK(near(survival_at(&c, 6 * USEC_PER_SEC)->share, 1, 0));
	CHECK(survival_at(&c, 6 * USEC_PER_SEC + 1) == NULL);
	CHECK_INT(survival_quantile(&c, 0.5), 0);
	CHECK_INT(survival_ended_by(&s, UINT64_MAX), 0);
}

static void
nothing_is_known_of_nothing(void)
{
	static struct survival s;
	static struct survival_curve c;

	survival_estimate(&s, &c);
	CHECK_INT(c.n, 0);
	CHECK(survival_at(&c, 1) == NULL);
	CHECK_INT(survival_quantile(&c, 0.5), 0);
}

static void
longer_than_a_day_is_there_all_day(void)
{
	static struct survival s;
	static struct survival_curve c;

	add(&s, 10, true);
	add(&s, 86401, true);
	survival_estimate(&s, &c);
	CHECK_INT(c.n, 2);
	CHECK(near(survival_at(&c, 86400 * USEC_PER_SEC)->share, 0.5, 0));
	CHECK_INT(survival_at(&c, 86400 * USEC_PER_SEC)->at_risk, 1);
}

static void
merged_is_as_added(void)
{
	static struct survival a, b, both;

	for (int i = 0; i < 1000; i++) {
		double seconds = i * 1.7;

		add(i % 2 == 0 ? &a : &b, seconds, i % 3 == 0);
		add(&both, seconds, i % 3 == 0);
	}
	survival_merge(&a, &b);
	CHECK(memcmp(&a, &both, sizeof(a)) == 0);
}

static void
ended_by_counts_whole_bins(void)
{
	static struct survival s;

	add(&s, 4.9, true);
	add(&s, 5, true);
	add(&s, 5, false);
	add(&s, 5.1, true);
	CHECK_INT(survival_ended_by(&s, 5 * USEC_PER_SEC), 2);
	CHECK_INT(survival_ended_by(&s, 6 * USEC_PER_SEC), 3);
}

static const struct check_case cases[] = {
	CASE(bins_have_their_bounds),
	CASE(the_remissions_of_freireich),
	CASE(without_censoring_it_is_the_share_that_is_left),
	CASE(all_censored_is_all_left),
	CASE(nothing_is_known_of_nothing),
	CASE(longer_than_a_day_is_there_all_day),
	CASE(merged_is_as_added),
	CASE(ended_by_counts_whole_bins),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
