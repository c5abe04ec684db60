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

const char *
human_duration(uint64_t usec, char buf[HUMAN_SIZE])
{
	uint64_t s = (usec + USEC_PER_SEC / 2) / USEC_PER_SEC;

	if (usec < 10 * USEC_PER_SEC)
		snprintf(buf, HUMAN_SIZE, "%.1f s",
		    (double)usec / (double)USEC_PER_SEC);
	else if (s < 60)
		snprintf(buf, HUMAN_SIZE, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(buf, HUMAN_SIZE, "%" PRIu64 " min %" PRIu64 " s",
		    s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, HUMAN_SIZE, "%" PRIu64 " h %" PRIu64 " min",
		    s / 3600, s / 60 % 60);
	else
		snprintf(buf, HUMAN_SIZE, "%" PRIu64 " d %" PRIu64 " h",
		    s / 86400, s / 3600 % 24);
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
	else if (value >= 100)
		snprintf(buf, HUMAN_SIZE, "%.1f", value);
	else if (value >= 10)
		snprintf(buf, HUMAN_SIZE, "%.2f", value);
	else
		snprintf(buf, HUMAN_SIZE, "%.3g", value);
	return buf;
}
