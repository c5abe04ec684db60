/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bin/common/util.h"

const char *
human_count(uint64_t n, char buf[HUMAN_SIZE])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = buf;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return buf;
}

/* Two units, or one when the lesser is 0: "6 min 40 s", "3 h". */
static void
print_units(
    char *buf, uint64_t n, uint64_t of, const char *greater, const char *lesser)
{
	if (n % of == 0)
		snprintf(buf, HUMAN_SIZE, "%" PRIu64 " %s", n / of, greater);
	else
		snprintf(buf, HUMAN_SIZE, "%" PRIu64 " %s %" PRIu64 " %s",
		    n / of, greater, n % of, lesser);
}

const char *
human_duration(uint64_t usec, char buf[HUMAN_SIZE])
{
	/* Rounded to what is shown: 23 h 59 min 50 s is one day. */
	uint64_t s = (usec + USEC_PER_SEC / 2) / USEC_PER_SEC;
	uint64_t min = (s + 30) / 60, h = (s + 1800) / 3600;

	if (usec < 10 * USEC_PER_SEC - USEC_PER_SEC / 20)
		snprintf(buf, HUMAN_SIZE, "%.1f s",
		    (double)usec / (double)USEC_PER_SEC);
	else if (s < 60)
		snprintf(buf, HUMAN_SIZE, "%" PRIu64 " s", s);
	else if (s < 3600)
		print_units(buf, s, 60, "min", "s");
	else if (min < 24 * 60)
		print_units(buf, min, 60, "h", "min");
	else
		print_units(buf, h, 24, "d", "h");
	return buf;
}

const char *
human_bytes(uint64_t n, char buf[HUMAN_SIZE])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB",
		"EB" };
	double d = (double)n;
	size_t i = 0;

	if (n < 1000) {
		snprintf(buf, HUMAN_SIZE, "%" PRIu64 " B", n);
		return buf;
	}
	for (d /= 1000; d >= 999.95 && i < ARRAY_SIZE(units) - 1; d /= 1000)
		i++;
	snprintf(buf, HUMAN_SIZE, "%.1f %s", d, units[i]);
	return buf;
}

const char *
human_share(uint64_t n, uint64_t total, char buf[HUMAN_SIZE])
{
	if (total == 0)
		return strcpy(buf, "-");
	snprintf(buf, HUMAN_SIZE, "%.1f %%", 100 * (double)n / (double)total);
	return buf;
}

const char *
human_time(uint64_t usec, char buf[HUMAN_SIZE])
{
	time_t t = (time_t)(usec / USEC_PER_SEC);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(buf, HUMAN_SIZE, "%Y-%m-%d %H:%M", &tm) == 0)
		strcpy(buf, "?");
	return buf;
}

const char *
human_figure(double value, char buf[HUMAN_SIZE])
{
	if (value >= 1e15)
		snprintf(buf, HUMAN_SIZE, "%.3g", value);
	else if (value >= 1000)
		human_count((uint64_t)(value + 0.5), buf);
	else if (value >= 10)
		snprintf(buf, HUMAN_SIZE, "%.4g", value);
	else
		snprintf(buf, HUMAN_SIZE, "%.3g", value);
	return buf;
}
