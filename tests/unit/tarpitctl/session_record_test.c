/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/session_record.h"

#include "data/cidr.h"
#include "tests/helpers/check.h"

static void
add(struct session_record *r, const char *field)
{
	session_record_field(r, field, strlen(field));
}

/* The fields that every record must have. */
static void
begin(struct session_record *r, const char *lane, const char *outcome)
{
	char field[64];

	session_record_begin(r);
	add(r, "TARPIT_CLIENT=192.0.2.7");
	snprintf(field, sizeof(field), "TARPIT_LANE=%s", lane);
	add(r, field);
	snprintf(field, sizeof(field), "TARPIT_OUTCOME=%s", outcome);
	add(r, field);
	add(r, "TARPIT_HELD_USEC=6200000");
}

static void
a_whole_record(void)
{
	struct session_record r;
	char text[CIDR_STRLEN];

	begin(&r, "hold", "refused");
	add(&r, "MESSAGE=192.0.2.7 was refused");
	add(&r, "TARPIT_VERDICT=slow");
	add(&r, "TARPIT_MODE=enforce");
	add(&r, "TARPIT_SCORE=-35");
	add(&r, "TARPIT_RATE=60");
	add(&r, "TARPIT_REASON=history.none+20 behaviour:pregreet");
	add(&r, "TARPIT_COUNTRY=DE");
	add(&r, "TARPIT_BYTES_IN=12");
	add(&r, "TARPIT_BYTES_OUT=345");
	add(&r, "TARPIT_HELO=mail.example.org");
	add(&r, "TARPIT_RECIPIENTS=2");
	add(&r, "TARPIT_DELIVERED=1");
	add(&r, "TARPIT_NEW_IN_A_LATER_VERSION=whatever");
	CHECK_INT(session_record_end(&r), 0);
	CHECK_STR(cidr_format_addr(&r.client, text), "192.0.2.7");
	CHECK_INT(r.lane, LANE_HOLD);
	CHECK_INT(r.verdict, LANE_SLOW);
	CHECK_INT(r.ending, ENDING_REFUSED);
	CHECK(!r.observed);
	CHECK_INT(r.score, -35);
	CHECK_INT(r.rate, 60);
	CHECK_INT(r.held, 6200000);
	CHECK_INT(r.bytes_in, 12);
	CHECK_INT(r.bytes_out, 345);
	CHECK_INT(r.recipients, 2);
	CHECK_INT(r.delivered, 1);
	CHECK_STR(r.country, "DE");
	CHECK_STR(r.reason, "history.none+20 behaviour:pregreet");
	CHECK_STR(r.helo, "mail.example.org");
}

static void
what_is_missing_makes_it_unreadable(void)
{
	static const char *const needed[] = { "TARPIT_CLIENT=192.0.2.7",
		"TARPIT_LANE=slow", "TARPIT_OUTCOME=graduated",
		"TARPIT_HELD_USEC=1" };

	for (size_t without = 0; without <= ARRAY_SIZE(needed); without++) {
		struct session_record r;

		session_record_begin(&r);
		for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
			if (i != without)
				add(&r, needed[i]);
		}
		CHECK((session_record_end(&r) == 0) ==
		    (without == ARRAY_SIZE(needed)));
	}
}

static void
nonsense_makes_it_unreadable(void)
{
	static const char *const bad[] = { "TARPIT_CLIENT=", "TARPIT_CLIENT=x",
		"TARPIT_CLIENT=192.0.2.7 ", "TARPIT_LANE=", "TARPIT_LANE=Hold",
		"TARPIT_LANE=holding", "TARPIT_OUTCOME=none",
		"TARPIT_MODE=maybe", "TARPIT_SCORE=1000001", "TARPIT_SCORE=1.5",
		"TARPIT_RATE=-1", "TARPIT_RATE=4294967296",
		"TARPIT_HELD_USEC=99999999999999999999", "TARPIT_HELD_USEC=-1",
		"TARPIT_BYTES_IN=many", "TARPIT_COUNTRY=DEU",
		"TARPIT_VERDICT=x" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct session_record r;

		begin(&r, "slow", "abandoned");
		CHECK_INT(session_record_end(&r), 0);
		add(&r, bad[i]);
		CHECK(session_record_end(&r) < 0);
	}
}

static void
texts_are_printable_and_cut(void)
{
	static const char field[] = "TARPIT_HELO=a\x1b[31m\n\0\xc3\xa9<";
	char longer[1000];
	struct session_record r;

	begin(&r, "slow", "abandoned");
	session_record_field(&r, field, sizeof(field) - 1);
	CHECK_STR(r.helo,
	    "a?[31m???"
	    "?<");
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "TARPIT_REASON=", 14);
	session_record_field(&r, longer, sizeof(longer));
	CHECK_INT(strlen(r.reason), RECORD_REASON_SIZE - 1);
	CHECK_INT(session_record_end(&r), 0);
}

static void
fields_without_a_name_are_passed_over(void)
{
	struct session_record r;

	begin(&r, "slow", "abandoned");
	add(&r, "");
	add(&r, "=");
	add(&r, "TARPIT_=x");
	add(&r, "TARPIT_LANE");
	add(&r, "TARPIT=LANE=hold");
	add(&r, "LANE=hold");
	CHECK_INT(session_record_end(&r), 0);
	CHECK_INT(r.lane, LANE_SLOW);
}

struct meaning {
	const char *lane, *outcome;
	bool slowed, gave_up, patient;
};

static void
what_lane_and_outcome_mean(void)
{
	static const struct meaning meanings[] = {
		{ "pass", "passed", false, false, false },
		{ "pass", "abandoned", false, false, false },
		{ "slow", "abandoned", true, true, false },
		{ "slow", "graduated", true, false, true },
		{ "slow", "shed", true, false, false },
		{ "slow", "failed", true, false, false },
		{ "throttle", "delivered", true, false, true },
		{ "throttle", "refused", true, false, false },
		{ "throttle", "abandoned", true, true, false },
		{ "hold", "refused", true, true, false },
		{ "hold", "abandoned", true, true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		const struct meaning *m = &meanings[i];
		struct session_record r;

		begin(&r, m->lane, m->outcome);
		CHECK_INT(session_record_is_slowed(&r), m->slowed);
		CHECK_INT(session_record_gave_up(&r), m->gave_up);
		CHECK_INT(session_record_was_patient(&r), m->patient);
	}
}

static void
the_observed_are_not_slowed(void)
{
	struct session_record r;

	begin(&r, "hold", "abandoned");
	add(&r, "TARPIT_MODE=observe");
	CHECK(!session_record_is_slowed(&r));
	CHECK(!session_record_gave_up(&r));
	CHECK(!session_record_was_patient(&r));
}

static const struct check_case cases[] = {
	CASE(a_whole_record),
	CASE(what_is_missing_makes_it_unreadable),
	CASE(nonsense_makes_it_unreadable),
	CASE(texts_are_printable_and_cut),
	CASE(fields_without_a_name_are_passed_over),
	CASE(what_lane_and_outcome_mean),
	CASE(the_observed_are_not_slowed),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
