/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/spark.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

static void
as_high_as_the_value(void)
{
	static const double values[] = { 0, 0.01, 1, 1.49, 1.51, 4, 7.49, 7.51,
		8, 9 };
	char buf[SPARK_SIZE];

	CHECK_STR(spark_draw(values, ARRAY_SIZE(values), 8, false, buf),
	    " ...:=#@@@");
	CHECK_STR(
	    spark_draw(values, ARRAY_SIZE(values), 8, true, buf), " ▁▁▁▂▄▇███");
	CHECK_STR(spark_draw(values, 0, 8, true, buf), "");
}

static void
without_a_maximum_there_is_some_or_none(void)
{
	static const double values[] = { 0, 5, -1 };
	char buf[SPARK_SIZE];

	CHECK_STR(spark_draw(values, ARRAY_SIZE(values), 0, false, buf), " . ");
	CHECK_STR(spark_draw(values, ARRAY_SIZE(values), 5, false, buf), " @ ");
	CHECK_STR(
	    spark_draw(values, ARRAY_SIZE(values), 0.5, false, buf), " @ ");
}

static void
no_more_than_there_is_room(void)
{
	double values[SPARK_MAX + 5];
	char buf[SPARK_SIZE + 1];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		values[i] = 1;
	buf[SPARK_SIZE] = 'x';
	CHECK_INT(strlen(spark_draw(values, SPARK_MAX + 5, 1, true, buf)),
	    SPARK_SIZE - 1);
	CHECK_INT(buf[SPARK_SIZE], 'x');
	CHECK_INT(strlen(spark_draw(values, SPARK_MAX - 1, 1, false, buf)),
	    SPARK_MAX - 1);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(as_high_as_the_value),
		CASE(without_a_maximum_there_is_some_or_none),
		CASE(no_more_than_there_is_room),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
