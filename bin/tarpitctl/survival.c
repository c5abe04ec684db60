/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/survival.h"

#include <math.h>

#include "bin/common/util.h"

/* Stretches of bins of one width, in half seconds. */
static const struct stretch {
	size_t bins;
	uint64_t width;
} stretches[] = { { 240, 1 }, { 96, 10 }, { 50, 120 }, { 138, 1200 } };

#define HALF_SECOND (USEC_PER_SEC / 2)

size_t
survival_bin(uint64_t usec)
{
	/* Half-open below: exactly 25 s is "within 25 s". */
	uint64_t half = usec == 0 ? 0 : (usec - 1) / HALF_SECOND;
	size_t first = 0;

	for (size_t i = 0; i < ARRAY_SIZE(stretches); i++) {
		const struct stretch *s = &stretches[i];

		if (half < s->bins * s->width)
			return first + (size_t)(half / s->width);
		half -= s->bins * s->width;
		first += s->bins;
	}
	return SURVIVAL_BINS;
}

uint64_t
survival_bound(size_t bin)
{
	uint64_t half = 0;
	size_t left = bin + 1;

	for (size_t i = 0; i < ARRAY_SIZE(stretches) && left > 0; i++) {
		size_t n = left < stretches[i].bins ? left : stretches[i].bins;

		half += n * stretches[i].width;
		left -= n;
	}
	return half * HALF_SECOND;
}

void
survival_add(struct survival *s, uint64_t usec, bool ended)
{
	size_t bin = survival_bin(usec);

	s->n++;
	/* Past the last bin it is at risk everywhere: counting it is all. */
	if (bin < SURVIVAL_BINS)
		(ended ? s->ended : s->censored)[bin]++;
}

void
survival_merge(struct survival *a, const struct survival *b)
{
	a->n += b->n;
	for (size_t i = 0; i < SURVIVAL_BINS; i++) {
		a->ended[i] += b->ended[i];
		a->censored[i] += b->censored[i];
	}
}

uint64_t
survival_ended_by(const struct survival *s, uint64_t usec)
{
	uint64_t n = 0;

	for (size_t i = 0; i < SURVIVAL_BINS && survival_bound(i) <= usec; i++)
		n += s->ended[i];
	return n;
}

void
survival_estimate(const struct survival *s, struct survival_curve *ret)
{
	uint64_t at_risk = s->n;
	double share = 1, greenwood = 0;

	ret->n = s->n;
	for (size_t i = 0; i < SURVIVAL_BINS; i++) {
		uint64_t d = s->ended[i];

		if (d > 0) {
			share *= 1 - (double)d / (double)at_risk;
			/* All of the rest: the share is 0, and so is its
			 * error; the formula would divide by it. */
			greenwood += at_risk == d ? 0
						  : (double)d /
				((double)at_risk * (double)(at_risk - d));
		}
		ret->point[i] = (struct survival_point){
			.at = survival_bound(i),
			.at_risk = at_risk,
			.share = share,
			.std_error = share * sqrt(greenwood),
		};
		/* Who is censored in a bin was still there when the others of
		 * it ended: the convention for ties. */
		at_risk -= d + s->censored[i];
	}
}

const struct survival_point *
survival_at(const struct survival_curve *c, uint64_t usec)
{
	size_t bin = survival_bin(usec);

	if (bin >= SURVIVAL_BINS || c->point[bin].at_risk == 0)
		return NULL;
	return &c->point[bin];
}

uint64_t
survival_quantile(const struct survival_curve *c, double share)
{
	for (size_t i = 0; i < SURVIVAL_BINS && c->point[i].at_risk > 0; i++) {
		if (1 - c->point[i].share >= share)
			return c->point[i].at;
	}
	return 0;
}

double
survival_mean(const struct survival_curve *c, uint64_t usec)
{
	double area = 0, share = 1;
	uint64_t from = 0;

	for (size_t i = 0; i < SURVIVAL_BINS && from < usec; i++) {
		uint64_t to = c->point[i].at < usec ? c->point[i].at : usec;

		area += share * (double)(to - from);
		share = c->point[i].share;
		from = to;
	}
	return area / (double)USEC_PER_SEC;
}
