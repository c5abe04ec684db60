/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/histogram.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

/* A bucket has its upper bound, the last one none. */
static void
each_is_in_its_bucket(void)
{
	static const struct histogram_scale *const scales[] = {
		&histogram_latency, &histogram_stay
	};

	for (size_t s = 0; s < ARRAY_SIZE(scales); s++) {
		const struct histogram_scale *scale = scales[s];

		CHECK(scale->n < HISTOGRAM_BOUNDS_MAX);
		for (size_t i = 0; i < scale->n; i++) {
			struct histogram h = { 0 };

			CHECK(i == 0 || scale->bound[i - 1] < scale->bound[i]);
			histogram_add(&h, scale, scale->bound[i]);
			CHECK_INT(h.count[i], 1);
			histogram_add(&h, scale, scale->bound[i] + 1);
			CHECK_INT(h.count[i], 1);
			CHECK_INT(h.count[i + 1], 1);
			CHECK_INT(h.sum, 2 * scale->bound[i] + 1);
		}
	}
}

static void
scales_are_what_the_manual_says(void)
{
	CHECK_INT(histogram_latency.bound[0], 500);
	CHECK_INT(histogram_latency.bound[histogram_latency.n - 1],
	    10 * USEC_PER_SEC);
	CHECK_INT(histogram_stay.bound[0], USEC_PER_SEC);
	CHECK_INT(
	    histogram_stay.bound[histogram_stay.n - 1], 21600 * USEC_PER_SEC);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(each_is_in_its_bucket),
		CASE(scales_are_what_the_manual_says),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
