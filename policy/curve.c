/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "policy/curve.h"

static size_t
find_point(const struct curve *c, int32_t score)
{
	size_t i = 0;

	while (i < c->n && c->point[i].score < score)
		i++;
	return i;
}

int
curve_set(struct curve *c, int32_t score, int32_t value)
{
	size_t i = find_point(c, score);

	if (i == c->n || c->point[i].score != score) {
		if (c->n == CURVE_MAX)
			return -ENOSPC;
		memmove(&c->point[i + 1], &c->point[i],
		    (c->n - i) * sizeof(c->point[0]));
		c->n++;
	}
	c->point[i] = (struct curve_point){ score, value };
	return 0;
}

void
curve_remove(struct curve *c, int32_t score)
{
	size_t i = find_point(c, score);

	if (i == c->n || c->point[i].score != score)
		return;
	c->n--;
	memmove(
	    &c->point[i], &c->point[i + 1], (c->n - i) * sizeof(c->point[0]));
}

int32_t
curve_at(const struct curve *c, int32_t score)
{
	size_t i = find_point(c, score);
	const struct curve_point *from, *to;
	int64_t run, rise;

	if (i == 0)
		return c->point[0].value;
	if (i == c->n)
		return c->point[c->n - 1].value;
	from = &c->point[i - 1];
	to = &c->point[i];
	run = (int64_t)to->score - from->score;
	rise =
	    ((int64_t)to->value - from->value) * ((int64_t)score - from->score);
	/* Division truncates: half a step on, in the line's direction. */
	rise += rise < 0 ? -run / 2 : run / 2;
	return from->value + (int32_t)(rise / run);
}
