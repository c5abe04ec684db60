/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "policy/engine.h"

/* Facts of one class that speak in one direction, and those that do something
 * else; what is cancelled is cancelled as a whole. */
enum group {
	/* Twice its class: against the client; one more: for it. */
	GROUP_PATIENCE = 2 * CLASS_COUNT,
	GROUP_SEEN,
	GROUP_ALLOW_LIST, /* the negative ones among the lists, once more */
	GROUP_COUNT,
	GROUP_IDLE, /* cancelled by nothing in particular */
	GROUP_NONE
};

#define AGAINST(class) ((enum group)(2 * (class)))
#define FOR(class)     ((enum group)(2 * (class) + 1))

struct evidence {
	int64_t sum[GROUP_COUNT];
	bool there[GROUP_COUNT];
	uint8_t cancelled_by[GROUP_COUNT]; /* enum group; GROUP_NONE: counts */
};

static enum group
group_of(const struct fact *f)
{
	if (f->role == ROLE_PATIENCE)
		return GROUP_PATIENCE;
	if (f->role == ROLE_SEEN)
		return GROUP_SEEN;
	if (f->weight == 0)
		return GROUP_NONE;
	return f->weight > 0 ? AGAINST(f->class) : FOR(f->class);
}

static void
add(struct evidence *e, enum group g, int64_t weight)
{
	if (g == GROUP_NONE)
		return;
	e->sum[g] += weight;
	e->there[g] = true;
}

static void
gather(struct evidence *e, const struct facts *f)
{
	memset(e, 0, sizeof(*e));
	memset(e->cancelled_by, GROUP_NONE, sizeof(e->cancelled_by));
	for (size_t i = 0; i < f->n; i++) {
		const struct fact *fact = &f->fact[i];

		add(e, group_of(fact), fact->weight);
		if (fact->role == ROLE_LIST && fact->weight < 0)
			e->there[GROUP_ALLOW_LIST] = true;
	}
}

static bool
counts(const struct evidence *e, enum group g)
{
	return e->there[g] && e->cancelled_by[g] == GROUP_NONE;
}

static void
cancel(struct evidence *e, enum group g, enum group by)
{
	if (e->cancelled_by[g] == GROUP_NONE)
		e->cancelled_by[g] = (uint8_t)by;
}

/* What a group there is cancels, whatever it weighs, in this order: what has
 * been cancelled itself cancels nothing more. */
static const struct {
	enum group by, cancelled;
} cancels[] = {
	{ FOR(CLASS_BY_HAND), AGAINST(CLASS_BY_HAND) },
	{ FOR(CLASS_BY_HAND), AGAINST(CLASS_OTHERS) },
	{ FOR(CLASS_BY_HAND), AGAINST(CLASS_LEARNED) },
	{ FOR(CLASS_BY_HAND), AGAINST(CLASS_FIRST) },
	{ AGAINST(CLASS_BY_HAND), FOR(CLASS_OTHERS) },
	{ AGAINST(CLASS_BY_HAND), GROUP_ALLOW_LIST },
	{ AGAINST(CLASS_BY_HAND), FOR(CLASS_LEARNED) },
	{ AGAINST(CLASS_SESSION), FOR(CLASS_OTHERS) },
	{ AGAINST(CLASS_SESSION), GROUP_ALLOW_LIST },
	{ AGAINST(CLASS_SESSION), FOR(CLASS_LEARNED) },
	{ AGAINST(CLASS_SESSION), FOR(CLASS_FIRST) },
	{ GROUP_PATIENCE, AGAINST(CLASS_FIRST) },
	{ GROUP_ALLOW_LIST, AGAINST(CLASS_FIRST) },
	{ FOR(CLASS_LEARNED), AGAINST(CLASS_FIRST) },
};

static int64_t
sum_of(const struct evidence *e, enum fact_class class)
{
	return (counts(e, AGAINST(class)) ? e->sum[AGAINST(class)] : 0) +
	    (counts(e, FOR(class)) ? e->sum[FOR(class)] : 0);
}

/* Those of CLASS sum up to something for the client that it may not have: they
 * are nothing, BY another group. */
static void
void_class(struct evidence *e, enum fact_class class, enum group by)
{
	cancel(e, AGAINST(class), FOR(class));
	cancel(e, FOR(class), by);
}

/* To have been seen makes up for first contact as far as that goes: what it
 * adds to the score. */
static int64_t
make_up(struct evidence *e)
{
	int64_t none = e->sum[AGAINST(CLASS_FIRST)];

	if (!e->there[GROUP_SEEN])
		return 0;
	if (counts(e, AGAINST(CLASS_FIRST)) && none + e->sum[GROUP_SEEN] > 0)
		return e->sum[GROUP_SEEN];
	cancel(e, AGAINST(CLASS_FIRST), GROUP_SEEN);
	e->cancelled_by[GROUP_SEEN] = GROUP_IDLE;
	return 0;
}

static int64_t
weigh(struct evidence *e)
{
	int64_t score = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cancels); i++) {
		if (counts(e, cancels[i].by))
			cancel(e, cancels[i].cancelled, cancels[i].by);
	}
	score = make_up(e);
	if (sum_of(e, CLASS_LEARNED) < 0 && sum_of(e, CLASS_OTHERS) > 0)
		void_class(e, CLASS_LEARNED, AGAINST(CLASS_OTHERS));
	for (int i = 0; i < CLASS_COUNT; i++)
		score += sum_of(e, (enum fact_class)i);
	return score;
}

static uint32_t
heaviness(const struct fact *f)
{
	return f->weight < 0 ? -(uint32_t)f->weight : (uint32_t)f->weight;
}

/* Who speaks for the group: its heaviest. */
static int16_t
find_heaviest(const struct facts *f, enum group g)
{
	int16_t best = FACT_IS_IDLE;

	for (size_t i = 0; i < f->n; i++) {
		const struct fact *fact = &f->fact[i];
		bool is_in = g == GROUP_ALLOW_LIST
		    ? fact->role == ROLE_LIST && fact->weight < 0
		    : group_of(fact) == g;

		if (is_in &&
		    (best < 0 || heaviness(fact) > heaviness(&f->fact[best])))
			best = (int16_t)i;
	}
	return best;
}

/* Clamped once, at the end: the order of facts must not matter. */
static int32_t
clamp(int64_t score)
{
	if (score > SCORE_MAX)
		return SCORE_MAX;
	return score < -SCORE_MAX ? -SCORE_MAX : (int32_t)score;
}

void
engine_weigh(const struct facts *f, struct weighing *ret)
{
	int16_t by[GROUP_COUNT];
	struct evidence e;

	gather(&e, f);
	ret->score = clamp(weigh(&e));
	for (int i = 0; i < GROUP_COUNT; i++) {
		by[i] = FACT_COUNTS;
		if (e.there[i] && e.cancelled_by[i] != GROUP_NONE)
			by[i] = find_heaviest(f, (enum group)e.cancelled_by[i]);
	}
	for (size_t i = 0; i < f->n; i++) {
		enum group g = group_of(&f->fact[i]);

		ret->cancelled_by[i] = g == GROUP_NONE ? FACT_COUNTS : by[g];
	}
}

/* What the history may still say in one direction.  Its positive weights are
 * of those that scale with time; at their largest here. */
static void
add_history(struct evidence *e, const struct rules *r, bool worst)
{
	for (int i = 0; i < NAMED_FACT_COUNT; i++) {
		struct fact f = rules_fact(r, (enum named_fact)i);

		if (f.class != CLASS_LEARNED && f.class != CLASS_FIRST)
			continue;
		if (f.role == ROLE_PATIENCE ? !worst : (f.weight > 0) == worst)
			add(e, group_of(&f), f.weight);
	}
}

/* Every fact moves the score the way it speaks, or not at all; so the extremes
 * are where all that is to come speaks the same way. */
static int64_t
weigh_extreme(const struct rules *r, const struct facts *f,
    const struct outlook *o, bool worst)
{
	int64_t others = worst ? o->others_most : o->others_least;
	struct evidence e;

	gather(&e, f);
	if (others != 0)
		add(&e, others > 0 ? AGAINST(CLASS_OTHERS) : FOR(CLASS_OTHERS),
		    others);
	if (o->allow_list && !worst)
		e.there[GROUP_ALLOW_LIST] = true;
	if (o->history)
		add_history(&e, r, worst);
	return weigh(&e);
}

bool
engine_is_decided(
    const struct rules *r, const struct facts *f, const struct outlook *o)
{
	return engine_lane(r, weigh_extreme(r, f, o, false)) ==
	    engine_lane(r, weigh_extreme(r, f, o, true));
}

bool
engine_is_known(const struct facts *f)
{
	struct evidence e;

	gather(&e, f);
	(void)weigh(&e);
	return counts(&e, GROUP_PATIENCE) || counts(&e, GROUP_ALLOW_LIST);
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
	struct weighing w;
	bool pass;

	engine_weigh(f, &w);
	v->score = w.score;
	v->lane = engine_lane(r, v->score);
	pass = v->lane == LANE_PASS;
	v->rate = pass ? 0 : (uint32_t)curve_at(&r->rate, v->score);
	v->patience = pass ? 0 : (uint32_t)curve_at(&r->patience, v->score);
	/* A slowed client is asked about each time: its next answer may be
	 * kinder, and questions about it are few. */
	v->ttl = pass ? (uint32_t)(r->ttl / USEC_PER_SEC) : 0;
	memcpy(v->country, f->country, sizeof(v->country));
	v->asn = f->asn;
	v->reason_len = verdict_print_reason(
	    f, w.cancelled_by, v->reason, sizeof(v->reason));
}
