/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/tally.h"

#include "bin/tarpitctl/findings.h"
#include "data/cidr.h"
#include "tests/helpers/check.h"

#define SEC USEC_PER_SEC

/* 2026-11-22 12:00 UTC */
#define NOON (UINT64_C(1795348800) * SEC)

static struct session_record
make(enum lane lane, enum ending ending, uint64_t held, const char *client,
    const char *reason)
{
	struct session_record r = { .ended = NOON,
		.lane = lane,
		.verdict = lane,
		.ending = ending,
		.score = 20,
		.rate = 5,
		.held = held,
		.bytes_in = 1,
		.bytes_out = 10,
		.country = "DE" };

	CHECK_INT(cidr_parse_addr(client, strlen(client), &r.client), 0);
	snprintf(r.reason, sizeof(r.reason), "%s", reason);
	return r;
}

static void
begin(struct tally *t)
{
	setenv("TZ", "UTC", 1);
	CHECK_INT(tally_init(t), 0);
}

static const struct frequent_entry *
find(const struct frequent *top, const char *key)
{
	for (uint32_t i = 0; i < top->n; i++) {
		if (strcmp(top->entry[i].key, key) == 0)
			return &top->entry[i];
	}
	return NULL;
}

static void
lanes_and_outcomes(void)
{
	struct session_record r;
	struct tally t;

	begin(&t);
	r = make(LANE_PASS, ENDING_PASSED, 0, "192.0.2.1", "");
	tally_add(&t, &r);
	r = make(LANE_SLOW, ENDING_ABANDONED, 5 * SEC, "192.0.2.2", "");
	tally_add(&t, &r);
	r = make(LANE_HOLD, ENDING_REFUSED, 50 * SEC, "192.0.2.2", "");
	tally_add(&t, &r);
	r = make(LANE_SLOW, ENDING_GRADUATED, 6 * SEC, "192.0.2.3", "");
	tally_add(&t, &r);
	CHECK_INT(t.sessions, 4);
	CHECK_INT(tally_slowed(&t), 3);
	CHECK_INT(tally_patient(&t), 1);
	CHECK_INT(t.lane[LANE_SLOW].sessions, 2);
	CHECK_INT(t.lane[LANE_SLOW].ending[ENDING_GRADUATED], 1);
	CHECK_INT(t.lane[LANE_SLOW].held, 11 * SEC);
	CHECK_INT(t.gave_up.sessions, 2);
	CHECK_INT(t.gave_up.held, 55 * SEC);
	CHECK_INT(t.gave_up.bytes_out, 20);
	CHECK_INT(t.hour[12][0], 4);
	CHECK_INT(t.hour[12][1], 3);
	CHECK_INT(t.timeline.count[0][SERIES_PASSED], 1);
	CHECK_INT(t.timeline.count[0][SERIES_GAVE_UP], 2);
	CHECK_INT(t.timeline.count[0][SERIES_PATIENT], 1);
	tally_fini(&t);
}

static void
networks_are_24_or_64(void)
{
	struct session_record r;
	struct tally t;

	begin(&t);
	r = make(LANE_SLOW, ENDING_ABANDONED, SEC, "192.0.2.1", "");
	tally_add(&t, &r);
	r = make(LANE_PASS, ENDING_PASSED, 0, "192.0.2.255", "");
	tally_add(&t, &r);
	r = make(LANE_SLOW, ENDING_ABANDONED, SEC, "2001:db8:1:2:3::4", "");
	tally_add(&t, &r);
	CHECK_INT(find(&t.networks, "192.0.2.0/24")->count, 2);
	CHECK_INT(find(&t.networks, "192.0.2.0/24")->sum[SUM_SUSPECT], 1);
	CHECK_INT(find(&t.networks, "2001:db8:1:2::/64")->count, 1);
	CHECK_INT(t.networks.n, 2);
	CHECK_INT(find(&t.countries, "DE")->count, 3);
	tally_fini(&t);
}

static void
reasons_lose_their_weights(void)
{
	struct session_record r;
	struct tally t;

	begin(&t);
	r = make(LANE_HOLD, ENDING_ABANDONED, 7 * SEC, "192.0.2.1",
	    "list.drop(SBL123)+100 dnsbl.zen.example.net+60 asn.64496-30 "
	    "behaviour:pregreet rdns.none+0 ...");
	tally_add(&t, &r);
	CHECK_INT(t.lists.n, 2);
	CHECK_INT(find(&t.lists, "list.drop")->count, 1);
	CHECK_INT(find(&t.lists, "list.drop")->sum[SUM_GAVE_UP], 1);
	CHECK_INT(find(&t.lists, "list.drop")->sum[SUM_HELD], 7 * SEC);
	CHECK_INT(find(&t.lists, "dnsbl.zen.example.net")->count, 1);
	CHECK_INT(t.reasons.n, 3);
	CHECK(find(&t.reasons, "asn.64496") != NULL);
	CHECK(find(&t.reasons, "behaviour:pregreet") != NULL);
	CHECK(find(&t.reasons, "rdns.none") != NULL);
	tally_fini(&t);
}

static void
odd_reasons_are_counted_as_they_are(void)
{
	struct session_record r;
	struct tally t;

	begin(&t);
	r = make(LANE_SLOW, ENDING_ABANDONED, SEC, "192.0.2.1",
	    "  +5 (x) 5 a-b-5   c+ ");
	tally_add(&t, &r);
	CHECK(find(&t.reasons, "5") != NULL);
	CHECK(find(&t.reasons, "a-b") != NULL);
	CHECK(find(&t.reasons, "c+") != NULL);
	CHECK_INT(t.reasons.n, 3);
	tally_fini(&t);
}

static void
the_patient_are_kept_with_their_last_reason(void)
{
	const struct patient_client *c;
	struct session_record r;
	struct tally t;
	static struct findings f;
	struct assumed_values v;

	begin(&t);
	r = make(LANE_SLOW, ENDING_GRADUATED, 6 * SEC, "192.0.2.3", "a+20");
	tally_add(&t, &r);
	r = make(
	    LANE_THROTTLE, ENDING_DELIVERED, 60 * SEC, "192.0.2.3", "b+75");
	r.score = 75;
	snprintf(r.helo, sizeof(r.helo), "mx");
	tally_add(&t, &r);
	assume_defaults(&v);
	findings_compute(&t, &v, 0, UINT64_MAX, &f);
	CHECK_INT(f.patients.n, 1);
	CHECK_STR(f.patients.row[0]->key, "192.0.2.3");
	CHECK_INT(f.patients.row[0]->count, 2);
	c = findings_patient(&f, 0);
	CHECK_INT(c->waited, 66 * SEC);
	CHECK_INT(c->score, 75);
	CHECK_INT(c->lane, LANE_THROTTLE);
	CHECK_STR(c->reason, "b+75");
	CHECK_STR(c->helo, "mx");
	CHECK_INT(f.spared_connections, 1);
	CHECK_INT(f.spared_sessions, 0);
	tally_fini(&t);
}

static void
talkers_were_on_their_way_in(void)
{
	struct session_record r;
	struct tally t;

	begin(&t);
	r = make(LANE_HOLD, ENDING_ABANDONED, SEC, "192.0.2.1",
	    "a+20 behaviour:pregreet");
	tally_add(&t, &r);
	CHECK_INT(t.talkers, 0);
	r.verdict = LANE_SLOW;
	tally_add(&t, &r);
	CHECK_INT(t.talkers, 1);
	r = make(
	    LANE_HOLD, ENDING_ABANDONED, SEC, "192.0.2.1", "operator:hold");
	r.verdict = LANE_SLOW;
	tally_add(&t, &r);
	CHECK_INT(t.talkers, 1);
	tally_fini(&t);
}

static void
observed_sessions_stand_apart(void)
{
	struct session_record r;
	struct tally t;

	begin(&t);
	r = make(LANE_HOLD, ENDING_PASSED, 0, "192.0.2.1", "list.x+100");
	r.observed = true;
	tally_add(&t, &r);
	CHECK_INT(t.observed[LANE_HOLD], 1);
	CHECK_INT(tally_slowed(&t), 0);
	CHECK_INT(t.by_lane[LANE_HOLD].n, 0);
	CHECK_INT(find(&t.lists, "list.x")->sum[SUM_SUSPECT], 1);
	tally_fini(&t);
}

/* Ended 20 s after the time that is reported, of 50 s: 30 s of it were seen,
 * and that it went on. */
static void
the_open_are_censored(void)
{
	struct session_record r =
	    make(LANE_HOLD, ENDING_ABANDONED, 50 * SEC, "192.0.2.1", "");
	struct tally t;

	begin(&t);
	tally_add_later(&t, &r, NOON - 20 * SEC);
	CHECK_INT(t.open, 1);
	CHECK_INT(t.sessions, 0);
	CHECK_INT(t.by_lane[LANE_HOLD].n, 1);
	CHECK_INT(t.by_lane[LANE_HOLD].censored[survival_bin(30 * SEC)], 1);
	/* This one began later. */
	tally_add_later(&t, &r, NOON - 50 * SEC);
	CHECK_INT(t.open, 1);
	tally_fini(&t);
}

static void
patience_that_was_not_asked_for(void)
{
	static struct findings f;
	struct session_record r;
	struct assumed_values v;
	struct tally t;

	begin(&t);
	for (uint64_t i = 1; i <= 10; i++) {
		r = make(LANE_SLOW, ENDING_ABANDONED, i * SEC, "192.0.2.1", "");
		tally_add(&t, &r);
	}
	for (int i = 0; i < 10; i++) {
		r = make(
		    LANE_SLOW, ENDING_GRADUATED, 20 * SEC, "192.0.2.9", "");
		tally_add(&t, &r);
	}
	assume_defaults(&v);
	findings_compute(&t, &v, 0, UINT64_MAX, &f);
	/* 4 s: four of twenty gone, six more would have been let in, and ten
	 * patient ones wait 4 s each. */
	CHECK_INT(f.patience[1].patience, 4 * SEC);
	CHECK(f.patience[1].known);
	CHECK(f.patience[1].share > 0.1999 && f.patience[1].share < 0.2001);
	CHECK_INT(f.patience[1].caught, 4);
	CHECK_INT(f.patience[1].later, 6);
	CHECK_INT(f.patience[1].delay, 40 * SEC);
	/* Nobody was asked for more than 20 s. */
	CHECK(f.patience[6].known);
	CHECK(!f.patience[7].known);
	CHECK_INT(f.median, 10 * SEC);
	CHECK_INT(f.wait_median, 20 * SEC);
	tally_fini(&t);
}

static const struct check_case cases[] = {
	CASE(lanes_and_outcomes),
	CASE(networks_are_24_or_64),
	CASE(reasons_lose_their_weights),
	CASE(odd_reasons_are_counted_as_they_are),
	CASE(the_patient_are_kept_with_their_last_reason),
	CASE(talkers_were_on_their_way_in),
	CASE(observed_sessions_stand_apart),
	CASE(the_open_are_censored),
	CASE(patience_that_was_not_asked_for),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
