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
	    &(struct fact){ .kind = FACT_NAMED,
		.class = CLASS_OTHERS,
		.weight = weight,
		.name = "test" });
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
			.class = CLASS_OTHERS,
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
			.class = CLASS_OTHERS,
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

/*
 * Classes of evidence
 */

enum evidence {
	HB,
	HA,
	LB,
	LA,
	CC,
	RO,
	BE,
	AB,
	HM,
	NO,
	SE,
	PA,
	EVIDENCE_COUNT
};

static const struct fact evidence[EVIDENCE_COUNT] = {
	[HB] = { .class = CLASS_BY_HAND,
	    .role = ROLE_LIST,
	    .weight = 100,
	    .name = "list.local-block" },
	[HA] = { .class = CLASS_BY_HAND,
	    .role = ROLE_LIST,
	    .weight = -1000,
	    .name = "list.local-allow" },
	[LB] = { .class = CLASS_OTHERS,
	    .role = ROLE_LIST,
	    .weight = 100,
	    .name = "list.drop" },
	[LA] = { .class = CLASS_OTHERS,
	    .role = ROLE_LIST,
	    .weight = -50,
	    .name = "dnsbl.allow.example" },
	[CC] = { .class = CLASS_OTHERS, .weight = 15, .name = "country.XX" },
	[RO] = { .class = CLASS_OTHERS, .weight = -5, .name = "rdns.ok" },
	[BE] = { .class = CLASS_SESSION,
	    .weight = 100,
	    .name = "behaviour:pregreet" },
	[AB] = { .class = CLASS_LEARNED,
	    .weight = 10,
	    .name = "history.abandoned" },
	[HM] = { .class = CLASS_LEARNED, .weight = -40, .name = "history.ham" },
	[NO] = { .class = CLASS_FIRST, .weight = 20, .name = "history.none" },
	[SE] = { .class = CLASS_FIRST,
	    .role = ROLE_SEEN,
	    .weight = -30,
	    .name = "history.seen" },
	[PA] = { .class = CLASS_FIRST,
	    .role = ROLE_PATIENCE,
	    .name = "history.patient" },
};

static void
gather(struct facts *f, const enum evidence *which, size_t n)
{
	facts_init(f);
	for (size_t i = 0; i < n; i++)
		facts_mention(f, &evidence[which[i]]);
}

static int32_t
weigh(const enum evidence *which, size_t n)
{
	struct weighing w;
	struct facts f;

	gather(&f, which, n);
	engine_weigh(&f, &w);
	return w.score;
}

/* What each is worth beside each other one, and alone (on the diagonal). */
static void
each_pair_of_classes(void)
{
	static const int32_t scores[EVIDENCE_COUNT][EVIDENCE_COUNT] = {
		/* clang-format off */
		/*        HB     HA     LB     LA     CC     RO    BE    AB     HM     NO     SE    PA */
		[HB] = { 100, -1000,   200,   100,   115,   100,  200,  110,   100,   120,   100,  100 },
		[HA] = {   0, -1000, -1000, -1050, -1000, -1005, -900, -1000, -1040, -1000, -1000, -1000 },
		[LB] = {   0,     0,   100,    50,   115,    95,  200,  110,   100,   120,   100,  100 },
		[LA] = {   0,     0,     0,   -50,   -35,   -55,  100,  -40,   -90,   -50,   -50,  -50 },
		[CC] = {   0,     0,     0,     0,    15,    10,  115,   25,    15,    35,    15,   15 },
		[RO] = {   0,     0,     0,     0,     0,    -5,  100,    5,   -45,    15,    -5,   -5 },
		[BE] = {   0,     0,     0,     0,     0,     0,  100,  110,   100,   120,   100,  100 },
		[AB] = {   0,     0,     0,     0,     0,     0,    0,   10,   -30,    30,    10,   10 },
		[HM] = {   0,     0,     0,     0,     0,     0,    0,    0,   -40,   -40,   -40,  -40 },
		[NO] = {   0,     0,     0,     0,     0,     0,    0,    0,     0,    20,     0,    0 },
		[SE] = {   0,     0,     0,     0,     0,     0,    0,    0,     0,     0,     0,    0 },
		[PA] = { 0 },
		/* clang-format on */
	};

	for (int i = 0; i < EVIDENCE_COUNT; i++) {
		enum evidence a = (enum evidence)i;

		CHECK_INT(weigh(&a, 1), scores[i][i]);
		for (int j = i + 1; j < EVIDENCE_COUNT; j++) {
			enum evidence b = (enum evidence)j;

			CHECK_INT(
			    weigh((enum evidence[]){ a, b }, 2), scores[i][j]);
			CHECK_INT(
			    weigh((enum evidence[]){ b, a }, 2), scores[i][j]);
		}
	}
}

#define WEIGH(...)                                           \
	weigh((const enum evidence[]){ __VA_ARGS__ },        \
	    sizeof((const enum evidence[]){ __VA_ARGS__ }) / \
		sizeof(enum evidence))

/* Six seconds buy six seconds. */
static void
patience_cancels_first_contact_alone(void)
{
	CHECK_INT(WEIGH(NO, PA), 0);
	CHECK_INT(WEIGH(HB, NO, PA), 100);
	CHECK_INT(WEIGH(LB, NO, PA), 100);
	CHECK_INT(WEIGH(CC, NO, PA), 15);
	CHECK_INT(WEIGH(BE, NO, PA), 100);
	CHECK_INT(WEIGH(AB, NO, PA), 10);
	CHECK_INT(WEIGH(LB, BE, AB, NO, PA), 210);
}

static void
by_hand_wins(void)
{
	/* An allow list of others does not help against it, nor take first
	 * contact away. */
	CHECK_INT(WEIGH(HB, LA, HM, NO), 120);
	CHECK_INT(WEIGH(HB, LA, PA, NO), 100);
	/* And an allow list by hand over all. */
	CHECK_INT(WEIGH(HA, HB, LB, CC, AB, NO), -1000);
}

static void
what_cancels_is_named(void)
{
	static const enum evidence which[] = { NO, PA, LB, HM };
	struct weighing w;
	struct verdict v;
	struct facts f;

	setup();
	gather(&f, which, ARRAY_SIZE(which));
	engine_weigh(&f, &w);
	CHECK_INT(w.cancelled_by[0], 1);
	CHECK_INT(w.cancelled_by[1], FACT_COUNTS);
	CHECK_INT(w.cancelled_by[2], FACT_COUNTS);
	CHECK_INT(w.cancelled_by[3], 2);
	/* And is left out of the reason, whose weights add up to the score. */
	engine_decide(&rules, &f, &v);
	CHECK_INT(v.score, 100);
	CHECK_STR(v.reason, "list.drop+100 history.patient+0");
	gather(&f, (const enum evidence[]){ SE }, 1);
	engine_weigh(&f, &w);
	CHECK_INT(w.cancelled_by[0], FACT_IS_IDLE);
	rules_fini(&rules);
}

/* As the rules make the facts, and not only as they are made here: what was seen
 * has made up for a block list. */
static void
seen_makes_up_for_first_contact_alone(void)
{
	struct fact listed = evidence[LB];
	struct weighing w;
	struct facts f;

	setup();
	rules.named[FACT_HISTORY_NONE] = 20;
	rules.named[FACT_HISTORY_SEEN] = -30;
	facts_init(&f);
	rules_add_named(&rules, FACT_HISTORY_NONE, &f);
	rules_add_named(&rules, FACT_HISTORY_SEEN, &f);
	engine_weigh(&f, &w);
	CHECK_INT(w.score, 0);
	facts_add(&f, &listed);
	engine_weigh(&f, &w);
	CHECK_INT(w.score, 100);
	rules_fini(&rules);
}

/* Whatever is known: one more fact against a client never helps it, and one
 * more for it never does harm. */
static void
no_fact_turns_round(void)
{
	for (unsigned int set = 0; set < 1U << EVIDENCE_COUNT; set++) {
		enum evidence which[EVIDENCE_COUNT + 1];
		size_t n = 0;
		int32_t score;

		for (int i = 0; i < EVIDENCE_COUNT; i++) {
			if (set >> i & 1)
				which[n++] = (enum evidence)i;
		}
		score = weigh(which, n);
		for (int i = 0; i < EVIDENCE_COUNT; i++) {
			int32_t with;

			if (set >> i & 1)
				continue;
			which[n] = (enum evidence)i;
			with = weigh(which, n + 1);
			CHECK(evidence[i].weight > 0 ? with >= score
						     : with <= score);
		}
	}
}

/* The DNS is asked for what may still change the lane, whatever cancels what. */
static void
decided_when_nothing_can_change(void)
{
	struct outlook o = { .others_most = 100 };
	struct facts f;

	setup();
	rules.named[FACT_HISTORY_NONE] = 20;
	gather(&f, (const enum evidence[]){ NO, PA }, 2);
	CHECK(!engine_is_decided(&rules, &f, &o));
	gather(&f, (const enum evidence[]){ NO, HB }, 2);
	CHECK(engine_is_decided(&rules, &f, &o));
	/* Nor can an allow list of others help against that. */
	o = (struct outlook){ .others_least = -1000, .allow_list = true };
	CHECK(engine_is_decided(&rules, &f, &o));
	gather(&f, (const enum evidence[]){ NO }, 1);
	CHECK(!engine_is_decided(&rules, &f, &o));
	gather(&f, (const enum evidence[]){ HA }, 1);
	CHECK(engine_is_decided(
	    &rules, &f, &(struct outlook){ .others_most = 5000 }));
	/* The history's answer may be patience, or nothing. */
	gather(&f, NULL, 0);
	CHECK(!engine_is_decided(
	    &rules, &f, &(struct outlook){ .history = true }));
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
		CASE(each_pair_of_classes),
		CASE(patience_cancels_first_contact_alone),
		CASE(by_hand_wins),
		CASE(what_cancels_is_named),
		CASE(seen_makes_up_for_first_contact_alone),
		CASE(no_fact_turns_round),
		CASE(decided_when_nothing_can_change),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
