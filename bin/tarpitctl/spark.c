/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/spark.h"

#include <stdio.h>
#include <string.h>

#include "bin/common/util.h"

/* By rising ink; the ASCII ones after the old image-to-text ramps. */
static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇",
	"█" };
static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "#",
	"@" };

enum { STEPS = ARRAY_SIZE(blocks) - 1 };

static size_t
step_of(double value, double max)
{
	double step = max > 0 ? value / max * STEPS + 0.5 : 0;

	if (value > 0 && step < 1)
		return 1;
	if (step > STEPS)
		return STEPS;
	return step > 0 ? (size_t)step : 0;
}

const char *
spark_draw(
    const double *value, size_t n, double max, bool utf8, char buf[SPARK_SIZE])
{
	char *to = buf;

	for (size_t i = 0; i < n && i < SPARK_MAX; i++) {
		const char *c = (utf8 ? blocks : ascii)[step_of(value[i], max)];

		memcpy(to, c, strlen(c));
		to += strlen(c);
	}
	*to = '\0';
	return buf;
}
