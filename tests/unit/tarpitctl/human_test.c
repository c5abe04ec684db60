/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/human.h"

#include "bin/common/util.h"
#include "bin/tarpitctl/spark.h"
#include "bin/tarpitctl/when.h"
#include "tests/helpers/check.h"

static char buf[HUMAN_SIZE];

static void
counts(void)
{
	CHECK_STR(human_count(0, buf), "0");
	CHECK_STR(human_count(999, buf), "999");
	CHECK_STR(human_count(1000, buf), "1,000");
	CHECK_STR(human_count(1234567, buf), "1,234,567");
	CHECK_STR(human_count(UINT64_MAX, buf), "18,446,744,073,709,551,615");
}

static void
durations(void)
{
	CHECK_STR(human_duration(0, buf), "0.0 s");
	CHECK_STR(human_duration(400000, buf), "0.4 s");
	CHECK_STR(human_duration(9940000, buf), "9.9 s");
	CHECK_STR(human_duration(9960000, buf), "10 s");
	CHECK_STR(human_duration(25 * USEC_PER_SEC, buf), "25 s");
	CHECK_STR(human_duration(60 * USEC_PER_SEC, buf), "1 min");
	CHECK_STR(human_duration(400 * USEC_PER_SEC, buf), "6 min 40 s");
	CHECK_STR(human_duration(12000 * USEC_PER_SEC, buf), "3 h 20 min");
	CHECK_STR(human_duration(86390 * USEC_PER_SEC, buf), "1 d");
	CHECK_STR(human_duration(
		      31 * 86400 * USEC_PER_SEC + 4 * 3600 * USEC_PER_SEC, buf),
	    "31 d 4 h");
	/* The longest that fits in 64 bits. */
	CHECK_STR(
	    human_duration(UINT64_MAX - USEC_PER_SEC, buf), "213503982 d 8 h");
}

static void
bytes(void)
{
	CHECK_STR(human_bytes(0, buf), "0 B");
	CHECK_STR(human_bytes(999, buf), "999 B");
	CHECK_STR(human_bytes(1500, buf), "1.5 kB");
	CHECK_STR(human_bytes(999960, buf), "1.0 MB");
	CHECK_STR(human_bytes(UINT64_MAX, buf), "18.4 EB");
}

static void
figures_and_shares(void)
{
	CHECK_STR(human_figure(0.0370963, buf), "0.0371");
	CHECK_STR(human_figure(7.4, buf), "7.4");
	CHECK_STR(human_figure(105.072, buf), "105.1");
	CHECK_STR(human_figure(1689257.14, buf), "1,689,257");
	CHECK_STR(human_figure(1e18, buf), "1e+18");
	CHECK_STR(human_share(1, 8, buf), "12.5 %");
	CHECK_STR(human_share(0, 0, buf), "-");
}

static void
sparks(void)
{
	static const double value[] = { 0, 0.001, 4, 8, 9 };
	static const double nothing[] = { 0, 0 };
	char line[SPARK_SIZE];

	CHECK_STR(spark_draw(value, 5, 8, true, line), " ▁▄██");
	CHECK_STR(spark_draw(value, 5, 8, false, line), " .=@@");
	CHECK_STR(spark_draw(nothing, 2, 0, true, line), "  ");
	CHECK_STR(spark_draw(value, 0, 8, true, line), "");
}

struct when {
	const char *text;
	uint64_t epoch;
};

/* 2026-11-22 12:00 UTC, 13:00 in Berlin. */
#define NOW UINT64_C(1795348800)

static void
times(void)
{
	static const struct when whens[] = {
		{ "now", NOW }, { "today", NOW - 13 * 3600 },
		{ "yesterday", NOW - 37 * 3600 }, { "-7d", NOW - 7 * 86400 },
		{ "2h 30min ago", NOW - 9000 }, { "@1795305600", 1795305600 },
		{ "2026-11-22", NOW - 13 * 3600 }, { "2026-11-22 13:00", NOW },
		{ "2026-11-22 13:00:05", NOW + 5 }, { "2026-11-22T13:00", NOW },
		{ "08:30", NOW - 16200 },
		{ "2026-07-01 12:00", 1782900000 }, /* in summer time */
	};
	uint64_t at;

	setenv("TZ", "Europe/Berlin", 1);
	for (size_t i = 0; i < ARRAY_SIZE(whens); i++) {
		CHECK_INT(
		    when_parse(whens[i].text, NOW * USEC_PER_SEC, &at), 0);
		CHECK_INT(at, whens[i].epoch * USEC_PER_SEC);
	}
}

static void
no_times(void)
{
	static const char *const bad[] = { "", "soon", "-", "-7 parsecs",
		"2026-13-01", "2026-11-22 25:00", "2026-11-22x", "@", "@-5",
		"@99999999999999999", " ago", "1h  ago ago", "-60000000d" };
	uint64_t at;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (when_parse(bad[i], NOW * USEC_PER_SEC, &at) == 0) {
			fprintf(stderr, "\"%s\" is a time\n", bad[i]);
			exit(1);
		}
	}
}

static const struct check_case cases[] = {
	CASE(counts),
	CASE(durations),
	CASE(bytes),
	CASE(figures_and_shares),
	CASE(sparks),
	CASE(times),
	CASE(no_times),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
