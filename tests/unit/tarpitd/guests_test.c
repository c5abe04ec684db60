/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/guests.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/helpers/check.h"

static struct guests guests;
static enum client_width width;
static int fds[WITNESS_MAX];
static int n_fds;
static uint64_t now = USEC_PER_SEC;

static void
start(uint32_t places)
{
	guests = (struct guests){ .places = places };
	CHECK_INT(guests_init(&guests), 0);
	guests.next_look = now + USEC_PER_SEC;
}

static void
finish(void)
{
	for (int i = 0; i < n_fds; i++)
		close(fds[i]);
	guests_look(&guests, 0, now);
	guests_look(&guests, 0, now);
	CHECK_INT(guests.n, 0);
	CHECK_INT(guests.n_graduates, 0);
	CHECK(clients_check(&guests.clients));
	guests_fini(&guests);
}

/* Whether one more of TEXT gets in, and it does. */
static bool
enter(const char *text, bool graduate)
{
	struct in6_addr client;

	CHECK_INT(inet_pton(AF_INET6, text, &client), 1);
	if (graduate && !guests_may_graduate(&guests, &client, now, &width))
		return false;
	fds[n_fds] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fds[n_fds] >= 0);
	guests_enter(&guests, fds[n_fds++], &client, graduate, now);
	return true;
}

/* How many of N get in whose addresses are 0 to 249 between BEFORE and AFTER. */
static int
enter_all(int n, const char *before, const char *after, bool graduate)
{
	bool hex = strchr(before, '.') == NULL;
	int entered = 0;
	char text[64];

	for (int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), hex ? "%s%02x%s" : "%s%d%s",
		    before, i % 250, after);
		entered += enter(text, graduate);
	}
	return entered;
}

static int
enter_one(int n, const char *text, bool graduate)
{
	int entered = 0;

	for (int i = 0; i < n; i++)
		entered += enter(text, graduate);
	return entered;
}

/* A quarter for whoever comes first, then shares, and no more than half. */
static void
graduates_have_half(void)
{
	start(100);
	CHECK_INT(enter_one(200, "::ffff:192.0.2.200", true), 25);
	CHECK_INT(width, CLIENT_HOST);
	CHECK_INT(enter_one(200, "::ffff:192.0.3.200", true), 2);
	CHECK_INT(width, CLIENT_HOST);
	CHECK_INT(enter_all(200, "::ffff:192.0.3.", "", true), 3);
	CHECK_INT(width, CLIENT_NETWORK);
	CHECK_INT(enter_all(250, "::ffff:10.0.", ".1", true), 20);
	CHECK_INT(width, CLIENT_WIDTHS);
	CHECK_INT(guests.n_graduates, 50);
	finish();
}

/* A network that has the quarter, ten others, and who comes then has a place. */
static void
a_crowd_leaves_something(void)
{
	char before[64];
	int n = 0;

	start(100);
	for (int net = 0; net < 11; net++) {
		snprintf(before, sizeof(before), "::ffff:10.1.%d.", net);
		n += enter_all(250, before, "", true);
	}
	CHECK_INT(n, 47);
	CHECK_INT(enter_one(250, "::ffff:192.0.2.1", true), 1);
	CHECK_INT(enter_one(50, "::ffff:192.0.2.200", false), 50);
	finish();
}

static void
a_site_is_one(void)
{
	start(100);
	CHECK_INT(enter_all(250, "::ffff:10.1.1.", "", true), 25);
	CHECK_INT(enter_all(40, "2001:db8:1:00", "::1", true), 5);
	CHECK_INT(width, CLIENT_NETWORK);
	CHECK_INT(enter_all(40, "2001:db8:1:", "00::1", true), 0);
	CHECK_INT(width, CLIENT_SITE);
	CHECK_INT(enter_all(40, "2001:db8:2:", "00::1", true), 4);
	CHECK_INT(width, CLIENT_SITE);
	finish();
}

/* Graduates have only what is left of the places, however few they are. */
static void
who_passes_comes_first(void)
{
	start(100);
	CHECK_INT(enter_one(98, "::ffff:192.0.2.200", false), 98);
	CHECK_INT(enter_all(50, "::ffff:192.0.3.", "", true), 2);
	CHECK_INT(width, CLIENT_WIDTHS);
	CHECK_INT(enter_one(50, "::ffff:192.0.2.200", false), 50);
	finish();
}

/* Who waits for the MTA is not served. */
static void
what_is_served_are_places(void)
{
	start(10);
	CHECK_INT(enter_all(20, "::ffff:10.3.", ".1", false), 20);
	guests_look(&guests, 12, now);
	CHECK_INT(guests_places(&guests), 10);
	guests_look(&guests, 3, now);
	CHECK_INT(guests_places(&guests), 17);
	finish();
}

static void
who_has_left_is_looked_for(void)
{
	start(4);
	CHECK_INT(enter_one(20, "::ffff:192.0.2.1", true), 1);
	for (int i = 0; i < n_fds; i++)
		close(fds[i]);
	n_fds = 0;
	/* Not all the time. */
	CHECK_INT(enter_one(20, "::ffff:192.0.2.1", true), 0);
	now += USEC_PER_SEC;
	CHECK_INT(enter_one(20, "::ffff:192.0.2.1", true), 1);
	finish();
}

static void
zero_places_limit_nothing(void)
{
	start(0);
	CHECK_INT(enter_one(50, "::ffff:192.0.2.1", true), 50);
	CHECK_INT(guests_places(&guests), 0);
	finish();
}

static const struct check_case cases[] = {
	CASE(graduates_have_half),
	CASE(a_crowd_leaves_something),
	CASE(a_site_is_one),
	CASE(who_passes_comes_first),
	CASE(what_is_served_are_places),
	CASE(who_has_left_is_looked_for),
	CASE(zero_places_limit_nothing),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
