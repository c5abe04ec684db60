/* SPDX-License-Identifier: ISC */
/*
 * Who goes when there is no room.  The functions here take the place of those
 * of session.c and throttle.c: what a session is worth is its `rate`.
 */
#include "bin/tarpitd/shedding.h"

#include <arpa/inet.h>

#include "bin/tarpitd/session.h"
#include "bin/tarpitd/throttle.h"
#include "tests/helpers/check.h"

enum { LOOKS = 32, CAPACITY = 200 };

static struct dispatcher d;
static struct journal journal;
static struct session *gone;

enum throttle_worth
throttle_worth(
    const struct dispatcher *unused, const struct session *s, uint64_t now)
{
	(void)unused;
	(void)now;
	return (enum throttle_worth)s->rate;
}

void
session_dismiss(struct dispatcher *unused, struct session *s,
    enum outcome outcome, enum smtp_reply reply, uint64_t now)
{
	(void)unused;
	(void)now;
	CHECK(gone == NULL);
	CHECK_INT(outcome, OUTCOME_SHED);
	CHECK_INT(reply, SMTP_OVERLOAD);
	gone = s;
}

static void
setup(uint32_t max_slowed, uint32_t max_throttled)
{
	journal_init_target(&journal, "shedding_test", JOURNAL_NOWHERE, NULL);
	d.journal = &journal;
	d.max_slowed = max_slowed;
	d.max_throttled = max_throttled;
	CHECK_INT(pool_init(&d.pool, CAPACITY), 0);
	CHECK_INT(clients_init(&d.clients, CAPACITY), 0);
	gone = NULL;
}

static void
teardown(void)
{
	clients_fini(&d.clients);
	pool_fini(&d.pool);
	memset(&d, 0, sizeof(d));
}

/* One more that is slowed, in LANE and of CLIENT. */
static struct session *
add(enum lane lane, const char *client, enum throttle_worth worth)
{
	struct session *s = &d.pool.session[pool_take(&d.pool)];

	CHECK_INT(inet_pton(AF_INET6, client, &s->client), 1);
	s->lane = lane;
	s->rate = worth;
	pool_append(&d.pool, pool_lane(&d.pool, lane), s);
	clients_add(&d.clients, &s->client, 1);
	d.n_slowed++;
	d.in_lane[lane]++;
	return s;
}

static struct session
newcomer(enum lane lane, const char *client)
{
	struct session s = { .lane = lane };

	CHECK_INT(inet_pton(AF_INET6, client, &s.client), 1);
	return s;
}

/* Who goes for one in LANE of CLIENT; *RET_OK: it gets in. */
static struct session *
goes_for(enum lane lane, const char *client, bool *ret_ok)
{
	struct session s = newcomer(lane, client);

	gone = NULL;
	*ret_ok = shedding_make_room(&d, &s, 1000);
	return gone;
}

static void
while_there_is_room_nobody_goes(void)
{
	bool ok;

	setup(3, 2);
	add(LANE_HOLD, "::ffff:192.0.2.1", THROTTLE_IDLE);
	add(LANE_THROTTLE, "::ffff:192.0.2.2", THROTTLE_IDLE);
	CHECK(goes_for(LANE_THROTTLE, "::ffff:192.0.2.3", &ok) == NULL && ok);
	CHECK(goes_for(LANE_HOLD, "::ffff:192.0.2.3", &ok) == NULL && ok);
	CHECK_INT(d.shed[SHED_HELD] + d.shed[SHED_THROTTLED], 0);
	CHECK_INT(d.shed[SHED_NEWCOMER], 0);
	teardown();
}

static void
a_held_one_goes_first(void)
{
	struct session *held;
	bool ok;

	setup(2, 2);
	add(LANE_THROTTLE, "::ffff:192.0.2.2", THROTTLE_IDLE);
	held = add(LANE_HOLD, "::ffff:192.0.3.1", THROTTLE_IDLE);
	CHECK(goes_for(LANE_THROTTLE, "::ffff:192.0.2.3", &ok) == held && ok);
	CHECK(goes_for(LANE_HOLD, "::ffff:192.0.2.3", &ok) == held && ok);
	CHECK(goes_for(LANE_SLOW, "::ffff:192.0.2.3", &ok) == held && ok);
	CHECK_INT(d.shed[SHED_HELD], 3);
	CHECK_INT(d.shed[SHED_THROTTLED], 0);
	teardown();
}

/* For who is to be held nobody else has to go. */
static void
for_a_held_one_no_throttled_one_goes(void)
{
	struct session *throttled;
	bool ok;

	setup(1, 1);
	throttled = add(LANE_THROTTLE, "::ffff:192.0.2.2", THROTTLE_IDLE);
	CHECK(goes_for(LANE_HOLD, "::ffff:192.0.2.3", &ok) == NULL && !ok);
	CHECK_INT(d.shed[SHED_NEWCOMER], 1);
	CHECK(goes_for(LANE_SLOW, "::ffff:192.0.2.3", &ok) == throttled && ok);
	CHECK_INT(d.shed[SHED_THROTTLED], 1);
	CHECK_INT(d.shed[SHED_HELD], 0);
	teardown();
}

/* MaxThrottled= is a limit of its own: no held one helps. */
static void
a_throttled_one_goes_for_a_throttled_one(void)
{
	struct session *throttled;
	bool ok;

	setup(10, 1);
	add(LANE_HOLD, "::ffff:192.0.3.1", THROTTLE_IDLE);
	throttled = add(LANE_THROTTLE, "::ffff:192.0.2.2", THROTTLE_IDLE);
	CHECK(goes_for(LANE_THROTTLE, "::ffff:192.0.2.3", &ok) == throttled);
	CHECK(ok);
	throttled->rate = THROTTLE_WORTHY;
	CHECK(goes_for(LANE_THROTTLE, "::ffff:192.0.2.3", &ok) == NULL && !ok);
	CHECK(goes_for(LANE_HOLD, "::ffff:192.0.2.3", &ok) == NULL && ok);
	teardown();
}

static void
the_least_worth_goes(void)
{
	struct session *s[5];
	bool ok;

	setup(5, 100);
	for (int i = 0; i < 5; i++)
		s[i] = add(LANE_THROTTLE, "::ffff:192.0.2.1",
		    (enum throttle_worth)(THROTTLE_WORTHY - i));
	CHECK(goes_for(LANE_SLOW, "::ffff:198.51.100.1", &ok) == s[4] && ok);
	s[4]->rate = THROTTLE_WORTHY;
	CHECK(goes_for(LANE_SLOW, "::ffff:198.51.100.1", &ok) == s[3] && ok);
	s[3]->rate = THROTTLE_WORTHY;
	CHECK(goes_for(LANE_SLOW, "::ffff:198.51.100.1", &ok) == s[2] && ok);
	/* What is left is in a transaction, of no larger network. */
	s[2]->rate = THROTTLE_WORTHY;
	d.max_throttled = 8 * 5;
	clients_add(&d.clients, &s[0]->client, 1);
	CHECK(goes_for(LANE_SLOW, "::ffff:192.0.2.9", &ok) == NULL && !ok);
	teardown();
}

/* One in a transaction goes for somebody whose network has much less. */
static void
a_busy_one_goes_for_a_small_network(void)
{
	struct session *first = NULL, *s;
	struct in6_addr small;
	bool ok;

	setup(10, 16);
	for (int i = 0; i < 10; i++) {
		s = add(LANE_THROTTLE, "::ffff:192.0.2.1", THROTTLE_BUSY);
		first = first == NULL ? s : first;
	}
	CHECK_INT(inet_pton(AF_INET6, "::ffff:198.51.100.1", &small), 1);
	/* 10 > 7 + 16 / 8, and not 10 > 8 + 2. */
	clients_add(&d.clients, &small, 7);
	CHECK(goes_for(LANE_SLOW, "::ffff:198.51.100.1", &ok) == first && ok);
	clients_add(&d.clients, &small, 1);
	CHECK(goes_for(LANE_SLOW, "::ffff:198.51.100.1", &ok) == NULL && !ok);
	/* For nobody's sake. */
	gone = NULL;
	CHECK(!shedding_make_way(&d, 1000));
	CHECK(gone == NULL);
	teardown();
}

/* Among equals it is one of the largest network, and of that the oldest. */
static void
the_largest_network_goes(void)
{
	struct session *expected;
	bool ok;

	setup(4, 100);
	add(LANE_HOLD, "::ffff:192.0.2.1", THROTTLE_IDLE);
	expected = add(LANE_HOLD, "::ffff:192.0.3.1", THROTTLE_IDLE);
	add(LANE_HOLD, "::ffff:192.0.3.2", THROTTLE_IDLE);
	add(LANE_HOLD, "::ffff:192.0.4.2", THROTTLE_IDLE);
	CHECK(goes_for(LANE_HOLD, "::ffff:192.0.2.9", &ok) == expected && ok);
	gone = NULL;
	CHECK(shedding_make_way(&d, 1000));
	CHECK(gone == expected);
	teardown();
}

/* So many of the oldest and of the youngest are looked at. */
static void
both_ends_are_looked_at(void)
{
	struct session *s[100];
	static const int found[] = { 0, LOOKS - 1, 100 - LOOKS, 99 };
	bool ok;

	setup(100, 100);
	for (int i = 0; i < 100; i++)
		s[i] = add(LANE_THROTTLE, "::ffff:192.0.2.1", THROTTLE_WORTHY);
	for (size_t i = 0; i < ARRAY_SIZE(found); i++) {
		s[found[i]]->rate = THROTTLE_NEW;
		CHECK(goes_for(LANE_SLOW, "::ffff:192.0.3.1", &ok) ==
		    s[found[i]]);
		CHECK(ok);
		s[found[i]]->rate = THROTTLE_WORTHY;
	}
	for (int i = LOOKS; i < 100 - LOOKS; i++)
		s[i]->rate = THROTTLE_IDLE;
	CHECK(goes_for(LANE_SLOW, "::ffff:192.0.3.1", &ok) == NULL && !ok);
	teardown();
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(while_there_is_room_nobody_goes),
		CASE(a_held_one_goes_first),
		CASE(for_a_held_one_no_throttled_one_goes),
		CASE(a_throttled_one_goes_for_a_throttled_one),
		CASE(the_least_worth_goes),
		CASE(a_busy_one_goes_for_a_small_network),
		CASE(the_largest_network_goes),
		CASE(both_ends_are_looked_at),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
