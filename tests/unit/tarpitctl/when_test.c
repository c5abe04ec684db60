/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/when.h"

#include <errno.h>
#include <time.h>

#include "bin/common/clock.h"
#include "tests/helpers/check.h"

/* 2026-11-28 12:00:30 UTC */
#define NOW (UINT64_C(1795867230) * USEC_PER_SEC)
enum { DAY = 86400 };

static int64_t
at(const char *text)
{
	uint64_t usec = 7777;
	int r;

	setenv("TZ", "UTC", 1);
	tzset();
	r = when_parse(text, NOW, &usec);
	if (r < 0) {
		CHECK_INT(r, -EINVAL);
		CHECK_INT(usec, 7777);
		return -1;
	}
	return (int64_t)(usec / USEC_PER_SEC) - (int64_t)(NOW / USEC_PER_SEC);
}

static void
words_and_durations(void)
{
	CHECK_INT(at("now"), 0);
	CHECK_INT(at("today"), -12 * 3600 - 30);
	CHECK_INT(at("yesterday"), -12 * 3600 - 30 - DAY);
	CHECK_INT(at("-7d"), -7 * DAY);
	CHECK_INT(at("7d ago"), -7 * DAY);
	CHECK_INT(at("-1h"), -3600);
	CHECK_INT(at("@0"), -(int64_t)(NOW / USEC_PER_SEC));
	CHECK_INT(at("@1795867231"), 1);
	CHECK_INT(at("@1099511627776") > 0, 1);
}

static void
dates_and_times(void)
{
	CHECK_INT(at("2026-11-28"), -12 * 3600 - 30);
	CHECK_INT(at("2026-11-28 12:00"), -30);
	CHECK_INT(at("2026-11-28 12:00:29"), -1);
	CHECK_INT(at("2026-11-28T12:01"), 30);
	CHECK_INT(at("2026-11-28T12:00:31"), 1);
	CHECK_INT(at("12:00"), -30);
	CHECK_INT(at("12:00:30"), 0);
	CHECK_INT(at("2026-10-31"), -28 * DAY - 12 * 3600 - 30);
}

static void
nonsense_is_refused(void)
{
	static const char *const none[] = { "", "-", "@", "@-1", "@x",
		"@1099511627777", "ago", " ago", "x ago", "-99999999d",
		"tomorrow", "2026-11-28x", "2026-13-01", "12:00:30 ", "25:00",
		"1969-12-31", "-1111111111111111111111111111111s",
		"1111111111111111111111111111111s ago" };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		CHECK_INT(at(none[i]), -1);
}

/* Days are of 23 and 25 hours, too. */
static void
days_as_the_clock_has_them(void)
{
	uint64_t usec;

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	/* 2026-03-29 12:00 CEST; that night had an hour less. */
	CHECK_INT(
	    when_parse("yesterday", UINT64_C(1774778400) * USEC_PER_SEC, &usec),
	    0);
	CHECK_INT(usec / USEC_PER_SEC, 1774778400 - 11 * 3600 - DAY);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(words_and_durations),
		CASE(dates_and_times),
		CASE(nonsense_is_refused),
		CASE(days_as_the_clock_has_them),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
