/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "policy/engine.h"

/* Clamped once, at the end: the order of facts must not matter. */
int32_t
engine_score(const struct facts *f)
{
	int64_t score = 0;

	for (size_t i = 0; i < f->n; i++)
		score += f->fact[i].weight;
	if (score > SCORE_MAX)
		return SCORE_MAX;
	if (score < -SCORE_MAX)
		return -SCORE_MAX;
	return (int32_t)score;
}

enum lane
engine_lane(const struct rules *r, int64_t score)
{
	if (score >= r->hold)
		return LANE_HOLD;
	if (score >= r->throttle)
		return LANE_THROTTLE;
	return score >= r->slow ? LANE_SLOW : LANE_PASS;
}

void
engine_decide(
    const struct rules *r, const struct facts *f, struct verdict *ret_verdict)
{
	struct verdict *v = ret_verdict;
	bool pass;

	v->score = engine_score(f);
	v->lane = engine_lane(r, v->score);
	pass = v->lane == LANE_PASS;
	v->rate = pass ? 0 : (uint32_t)curve_at(&r->rate, v->score);
	v->patience = pass ? 0 : (uint32_t)curve_at(&r->patience, v->score);
	/* A slowed client is asked about each time: its next answer may be
	 * kinder, and questions about it are few. */
	v->ttl = pass ? (uint32_t)(r->ttl / USEC_PER_SEC) : 0;
	memcpy(v->country, f->country, sizeof(v->country));
	v->asn = f->asn;
	v->reason_len = verdict_print_reason(f, v->reason, sizeof(v->reason));
}
