/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/timeline.h"

#include <string.h>

#include "bin/common/util.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

/* Each is a multiple of the one before. */
static const int64_t widths[] = { MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR,
	3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY, 28 * DAY };

static int64_t
round_down(const struct timeline *t, int64_t when, int64_t width)
{
	int64_t local = when + t->utc_offset;

	return local - (local % width + width) % width - t->utc_offset;
}

static void
widen(struct timeline *t, int64_t width)
{
	struct timeline wide = { .width = width, .utc_offset = t->utc_offset };

	wide.begin = round_down(t, t->begin, width);
	for (size_t i = 0; i < t->n; i++) {
		int64_t begin = t->begin + (int64_t)i * t->width;
		size_t to = (size_t)((begin - wide.begin) / width);

		for (size_t k = 0; k < TIMELINE_KINDS; k++)
			wide.count[to][k] += t->count[i][k];
		wide.n = to + 1;
	}
	*t = wide;
}

static size_t
find_bin(const struct timeline *t, int64_t when)
{
	int64_t bin = when < t->begin ? 0 : (when - t->begin) / t->width;

	return bin < TIMELINE_BINS ? (size_t)bin : TIMELINE_BINS;
}

void
timeline_add(struct timeline *t, int64_t when, size_t kind, int64_t utc_offset)
{
	size_t bin;

	if (t->width == 0) {
		t->utc_offset = utc_offset;
		t->width = widths[0];
		t->begin = round_down(t, when, t->width);
	}
	bin = find_bin(t, when);
	for (size_t i = 0; i < ARRAY_SIZE(widths) && bin == TIMELINE_BINS;
	     i++) {
		if (widths[i] > t->width)
			widen(t, widths[i]);
		bin = find_bin(t, when);
	}
	/* Thirteen years on, which only a wrong clock does. */
	if (bin == TIMELINE_BINS)
		bin = TIMELINE_BINS - 1;
	if (bin >= t->n)
		t->n = bin + 1;
	t->count[bin][kind]++;
}

uint64_t
timeline_sum(const struct timeline *t, size_t bin)
{
	uint64_t sum = 0;

	for (size_t k = 0; k < TIMELINE_KINDS; k++)
		sum += t->count[bin][k];
	return sum;
}
