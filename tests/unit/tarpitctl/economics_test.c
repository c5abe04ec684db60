/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/economics.h"

#include <math.h>

#include "tests/helpers/check.h"

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-6 * fabs(b);
}

static void
compute(struct economics *e, const struct observed *o)
{
	struct assumed_values v;

	assume_defaults(&v);
	economics_compute(&v, o, e);
}

/* The arithmetic of the publication, by hand. */
static void
the_campaign_as_published(void)
{
	static const struct observed nothing;
	struct economics e;

	compute(&e, &nothing);
	/* 75,800 * 26 * 24 = 47,299,200 bot-hours */
	CHECK(near(e.messages_per_bot_hour.value, 350000000.0 / 47299200));
	CHECK_STR(
	    e.messages_per_bot_hour.formula, "350000000 / (75800 * 26 * 24)");
	CHECK(near(e.dollars_per_day.value, 105.0723077));
	CHECK_STR(e.dollars_per_day.formula, "2731.88 / 26");
	CHECK(near(e.messages_per_sale.value, 12500000));
	CHECK(near(e.bot_hours_per_sale.value, 1689257.142857));
	CHECK(near(e.cost_per_sale.value, 97.567142857));
}

static const struct scenario *
find(const struct economics *e, const char *name)
{
	for (size_t i = 0; i < SCENARIOS; i++) {
		if (strcmp(e->scenario[i].name, name) == 0)
			return &e->scenario[i];
	}
	CHECK(!"a scenario of that name");
	return NULL;
}

static void
published_friction(void)
{
	static const struct observed nothing;
	const struct scenario *s;
	struct economics e;

	compute(&e, &nothing);
	s = find(&e, "none");
	CHECK(near(s->busy.messages.value, 7.39970232));
	CHECK(near(s->spare.dollars.value, 105.0723077));
	/* 2,000 bytes at 5 a second: 200 times as long as 2 s. */
	s = find(&e, "patient");
	CHECK(near(s->seconds.value, 400));
	CHECK_STR(s->seconds.formula, "2000 / 5");
	CHECK(near(s->busy.messages.value, 7.39970232 / 200));
	CHECK(near(s->busy.cost.value, 97.567142857 * 200));
	CHECK(near(s->spare.messages.value, 7.39970232));
	/* 13 % get through, and 30 s are 15 times as long. */
	s = find(&e, "published");
	CHECK(near(s->through.value, 0.13));
	CHECK(near(s->spare.dollars.value, 105.0723077 * 0.13));
	CHECK(near(s->busy.dollars.value, 105.0723077 * 0.13 / 15));
	CHECK_STR(s->busy.dollars.formula, "105.07 * 0.13 * 2 / 30");
	CHECK(near(s->busy.cost.value, 97.567142857 / 0.13 * 15));
	CHECK_STR(s->busy.cost.formula, "97.57 / (0.13 * 2 / 30)");
}

static void
what_was_observed(void)
{
	static const struct observed o = { .slowed = 200,
		.patient = 50,
		.held = 4000,
		.has_curve = true,
		.curve_mean = 10,
		.curve_share = 0.1 };
	const struct scenario *s;
	struct economics e;

	compute(&e, &o);
	s = find(&e, "observed");
	CHECK(s->known);
	CHECK(near(s->seconds.value, 20));
	CHECK_STR(s->seconds.formula, "4000.0 s held / 200 slowed");
	CHECK(near(s->through.value, 0.25));
	CHECK_STR(s->through.formula, "50 reached the MTA / 200 slowed");
	CHECK(near(s->busy.messages.value, 7.39970232 * 0.25 / 10));
	s = find(&e, "curve");
	CHECK(s->known);
	CHECK(near(s->busy.messages.value, 7.39970232 * 0.1 / 5));
}

static void
nothing_observed_is_not_known(void)
{
	static const struct observed nothing;
	struct economics e;

	compute(&e, &nothing);
	CHECK(!find(&e, "observed")->known);
	CHECK(!find(&e, "curve")->known);
	CHECK(find(&e, "patient")->known);
}

static void
none_through_is_no_sale(void)
{
	static const struct observed o = { .slowed = 2, .held = 60 };
	struct economics e;
	const struct scenario *s;

	compute(&e, &o);
	s = find(&e, "observed");
	CHECK(s->known);
	CHECK(s->busy.messages.value == 0);
	CHECK(s->busy.cost.value == 0);
	CHECK_STR(s->busy.cost.formula, "no sale");
}

/* Who leaves at once is not faster than a delivery. */
static void
nobody_gains_by_friction(void)
{
	static const struct observed o = {
		.slowed = 100, .patient = 50, .held = 50
	};
	const struct scenario *s;
	struct economics e;

	compute(&e, &o);
	s = find(&e, "observed");
	CHECK(near(s->seconds.value, 0.5));
	CHECK(near(s->busy.messages.value, s->spare.messages.value));
}

static void
assumptions_can_be_changed(void)
{
	struct assumed_values v;
	char why[512] = "";

	assume_defaults(&v);
	CHECK_INT(assume(&v, "bots=1000", why, sizeof(why)), 0);
	CHECK(near(v.value[ASSUMED_BOTS], 1000));
	CHECK_INT(assume(&v, "give-up-percent=99.5", why, sizeof(why)), 0);
	CHECK(near(v.value[ASSUMED_GIVE_UP_PERCENT], 99.5));
	CHECK(near(v.value[ASSUMED_MESSAGES], 350e6));
}

static void
nonsense_is_not_assumed(void)
{
	static const char *const bad[] = { "bots=0", "bots=-1", "bots=nan",
		"bots=inf", "bots=", "bots=1x", "bots", "", "=", "=5",
		"give-up-percent=100.1", "bot=5", "botss=5" };
	struct assumed_values v, before;
	char why[512];

	assume_defaults(&v);
	before = v;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why[0] = '\0';
		CHECK(assume(&v, bad[i], why, sizeof(why)) < 0);
		CHECK(why[0] != '\0');
	}
	CHECK(memcmp(&v, &before, sizeof(v)) == 0);
	CHECK(assume(&v, "bot=5", why, sizeof(why)) < 0);
	CHECK(strstr(why, " mta-cpu-seconds") != NULL);
}

static const struct check_case cases[] = {
	CASE(the_campaign_as_published),
	CASE(published_friction),
	CASE(what_was_observed),
	CASE(nothing_observed_is_not_known),
	CASE(none_through_is_no_sale),
	CASE(nobody_gains_by_friction),
	CASE(assumptions_can_be_changed),
	CASE(nonsense_is_not_assumed),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
