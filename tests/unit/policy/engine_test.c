/* SPDX-License-Identifier: ISC */
#include "policy/engine.h"

#include "tests/helpers/check.h"

static struct rules rules;

/* The defaults of policy.conf. */
static void
setup(void)
{
	struct option_error error;

	memset(&rules, 0, sizeof(rules));
	option_defaults(&rules_table, &rules);
	CHECK_INT(rules_check(&rules, &error), 0);
}

static struct verdict
decide(int32_t weight)
{
	struct verdict v;
	struct facts f;

	setup();
	facts_init(&f);
	facts_add(&f,
	    &(struct fact){
		.kind = FACT_NAMED, .weight = weight, .name = "test" });
	engine_decide(&rules, &f, &v);
	rules_fini(&rules);
	CHECK_INT(v.score, weight);
	return v;
}

static void
lanes_begin_at_their_score(void)
{
	CHECK_INT(decide(-1000).lane, LANE_PASS);
	CHECK_INT(decide(19).lane, LANE_PASS);
	CHECK_INT(decide(20).lane, LANE_SLOW);
	CHECK_INT(decide(59).lane, LANE_SLOW);
	CHECK_INT(decide(60).lane, LANE_THROTTLE);
	CHECK_INT(decide(99).lane, LANE_THROTTLE);
	CHECK_INT(decide(100).lane, LANE_HOLD);
	CHECK_INT(decide(1000000).lane, LANE_HOLD);
}

static void
pass_has_no_pace(void)
{
	struct verdict v = decide(19);

	CHECK_INT(v.rate, 0);
	CHECK_INT(v.patience, 0);
	CHECK_INT(v.ttl, 60);
}

static void
slowed_by_the_curves(void)
{
	struct verdict v = decide(20);

	CHECK_INT(v.rate, 100);
	CHECK_INT(v.patience, 6);
	CHECK_INT(v.ttl, 0);
	CHECK_STR(v.reason, "test+20");
	v = decide(80);
	CHECK_INT(v.rate, 12);
	CHECK_INT(v.patience, 23);
	v = decide(500);
	CHECK_INT(v.rate, 5);
	CHECK_INT(v.patience, 25);
}

static void
nothing_known_passes(void)
{
	struct verdict v;
	struct facts f;

	setup();
	facts_init(&f);
	engine_decide(&rules, &f, &v);
	CHECK_INT(v.lane, LANE_PASS);
	CHECK_INT(v.score, 0);
	CHECK_STR(v.reason, "");
	CHECK_STR(v.country, "");
	CHECK_INT(v.asn, 0);
	rules_fini(&rules);
}

static void
weights_add_up(void)
{
	static const int32_t weights[] = { 100, -30, 15, -1 };
	struct verdict v;
	struct facts f;

	setup();
	facts_init(&f);
	strcpy(f.country, "DE");
	f.asn = 64496;
	for (size_t i = 0; i < ARRAY_SIZE(weights); i++)
		facts_add(&f,
		    &(struct fact){ .kind = FACT_NAMED,
			.weight = weights[i],
			.name = "n" });
	engine_decide(&rules, &f, &v);
	CHECK_INT(v.score, 84);
	CHECK_INT(v.lane, LANE_THROTTLE);
	CHECK_STR(v.country, "DE");
	CHECK_INT(v.asn, 64496);
	CHECK_STR(v.reason, "n+100 n-30 n+15 n-1");
	CHECK_INT(v.reason_len, strlen(v.reason));
	rules_fini(&rules);
}

/* Clamping each sum on the way would make the result depend on the order. */
static void
score_is_clamped_at_the_end(void)
{
	static const int32_t weights[] = { 1000000, 1000000, -1000000 };
	struct verdict v;
	struct facts f;

	setup();
	facts_init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(weights); i++)
		facts_add(&f,
		    &(struct fact){ .kind = FACT_NAMED,
			.weight = weights[i],
			.name = "n" });
	engine_decide(&rules, &f, &v);
	CHECK_INT(v.score, 1000000);
	f.fact[0].weight = f.fact[1].weight = -1000000;
	engine_decide(&rules, &f, &v);
	CHECK_INT(v.score, -1000000);
	CHECK_INT(v.lane, LANE_PASS);
	rules_fini(&rules);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(lanes_begin_at_their_score),
		CASE(pass_has_no_pace),
		CASE(slowed_by_the_curves),
		CASE(nothing_known_passes),
		CASE(weights_add_up),
		CASE(score_is_clamped_at_the_end),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
