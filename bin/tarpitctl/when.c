/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/when.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bin/common/decimal.h"
#include "bin/common/option.h"

static int
to_usec(struct tm *tm, uint64_t *ret)
{
	time_t t;

	tm->tm_isdst = -1;
	t = mktime(tm);
	if (t < 0)
		return -EINVAL;
	*ret = (uint64_t)t * USEC_PER_SEC;
	return 0;
}

/* The midnight DAYS days before the one that NOW's day began with; days are
 * not all of one length, so mktime() has to count them. */
static int
parse_day(uint64_t now, int days, uint64_t *ret)
{
	time_t t = (time_t)(now / USEC_PER_SEC);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return -EINVAL;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days;
	return to_usec(&tm, ret);
}

static int
parse_before(const char *text, size_t len, uint64_t now, uint64_t *ret)
{
	char duration[32];
	uint64_t usec;

	if (len >= sizeof(duration))
		return -EINVAL;
	memcpy(duration, text, len);
	duration[len] = '\0';
	if (option_parse_time(duration, &usec) < 0 || usec > now)
		return -EINVAL;
	*ret = now - usec;
	return 0;
}

static int
parse_date(const char *text, uint64_t now, uint64_t *ret)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S",
		"%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d", "%H:%M:%S", "%H:%M" };
	time_t t = (time_t)(now / USEC_PER_SEC);

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct tm tm = { 0 };
		const char *end;

		/* A time alone is today's. */
		if (formats[i][1] == 'H' && localtime_r(&t, &tm) == NULL)
			return -EINVAL;
		tm.tm_sec = 0;
		end = strptime(text, formats[i], &tm);
		if (end != NULL && *end == '\0')
			return to_usec(&tm, ret);
	}
	return -EINVAL;
}

int
when_parse(const char *text, uint64_t now, uint64_t *ret)
{
	static const char ago[] = " ago";
	size_t len = strlen(text);
	int64_t epoch;

	if (strcmp(text, "now") == 0) {
		*ret = now;
		return 0;
	}
	if (strcmp(text, "today") == 0)
		return parse_day(now, 0, ret);
	if (strcmp(text, "yesterday") == 0)
		return parse_day(now, 1, ret);
	if (text[0] == '@') {
		if (decimal_parse(
			text + 1, len - 1, 0, INT64_C(1) << 40, &epoch) < 0)
			return -EINVAL;
		*ret = (uint64_t)epoch * USEC_PER_SEC;
		return 0;
	}
	if (text[0] == '-')
		return parse_before(text + 1, len - 1, now, ret);
	if (len > sizeof(ago) - 1 &&
	    strcmp(text + len - (sizeof(ago) - 1), ago) == 0)
		return parse_before(text, len - (sizeof(ago) - 1), now, ret);
	return parse_date(text, now, ret);
}
