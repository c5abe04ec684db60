/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/overrides.h"

#include <errno.h>

#include "tests/helpers/check.h"

static struct overrides overrides;

static struct cidr
network(const char *text)
{
	struct cidr c;
	bool masked;

	CHECK_INT(cidr_parse(text, strlen(text), &c, &masked), 0);
	return c;
}

static int
put(const char *text, enum override_kind kind, uint64_t until)
{
	struct override o = {
		.network = network(text), .kind = kind, .until = until
	};

	return overrides_put(&overrides, &o);
}

/* What holds for ADDRESS at NOW: "release", "hold", or "". */
static const char *
find(const char *address, uint64_t now)
{
	struct cidr c = network(address);
	const struct override *o = overrides_find(&overrides, &c.addr, now);

	return o != NULL ? override_name(o->kind) : "";
}

static void
the_smallest_network_counts(void)
{
	CHECK_INT(put("192.0.2.0/24", OVERRIDE_HOLD, 100), 0);
	CHECK_INT(put("192.0.2.7", OVERRIDE_RELEASE, 100), 0);
	CHECK_INT(put("192.0.0.0/16", OVERRIDE_RELEASE, 100), 0);
	CHECK_INT(put("2001:db8::/32", OVERRIDE_HOLD, 100), 0);
	CHECK_STR(find("192.0.2.7", 0), "release");
	CHECK_STR(find("192.0.2.8", 0), "hold");
	CHECK_STR(find("192.0.3.8", 0), "release");
	CHECK_STR(find("192.1.0.0", 0), "");
	CHECK_STR(find("2001:db8:1::1", 0), "hold");
	CHECK_STR(find("2001:db9::1", 0), "");
}

static void
all_of_ipv4_is_not_all_of_ipv6(void)
{
	CHECK_INT(put("0.0.0.0/0", OVERRIDE_HOLD, 100), 0);
	CHECK_STR(find("203.0.113.1", 0), "hold");
	CHECK_STR(find("2001:db8::1", 0), "");
}

static void
the_last_word_on_a_network_counts(void)
{
	CHECK_INT(put("192.0.2.0/24", OVERRIDE_HOLD, 100), 0);
	CHECK_INT(put("192.0.2.0/24", OVERRIDE_RELEASE, 200), 0);
	CHECK_INT(overrides.n, 1);
	CHECK_STR(find("192.0.2.1", 150), "release");
}

static void
an_override_ends_at_its_time(void)
{
	struct override o;

	CHECK_INT(overrides_next(&overrides), USEC_NEVER);
	CHECK_INT(put("192.0.2.1", OVERRIDE_HOLD, 100), 0);
	CHECK_INT(put("192.0.2.2", OVERRIDE_HOLD, 50), 0);
	CHECK_INT(put("192.0.2.3", OVERRIDE_HOLD, 100), 0);
	CHECK_INT(overrides_next(&overrides), 50);
	CHECK_STR(find("192.0.2.2", 49), "hold");
	CHECK_STR(find("192.0.2.2", 50), "");
	CHECK(!overrides_take_expired(&overrides, 49, &o));
	CHECK(overrides_take_expired(&overrides, 50, &o));
	CHECK_INT(o.until, 50);
	CHECK(!overrides_take_expired(&overrides, 50, &o));
	CHECK_INT(overrides_next(&overrides), 100);
	CHECK(overrides_take_expired(&overrides, 200, &o));
	CHECK(overrides_take_expired(&overrides, 200, &o));
	CHECK_INT(overrides.n, 0);
}

static void
what_was_said_can_be_taken_back(void)
{
	struct cidr c = network("192.0.2.0/24"),
		    other = network("192.0.2.0/25");
	struct override o;

	CHECK_INT(put("192.0.2.0/24", OVERRIDE_HOLD, 100), 0);
	CHECK(!overrides_take(&overrides, &other, &o));
	CHECK(overrides_take(&overrides, &c, &o));
	CHECK_INT(o.kind, OVERRIDE_HOLD);
	CHECK(!overrides_take(&overrides, &c, &o));
	CHECK_STR(find("192.0.2.1", 0), "");
}

static void
there_is_room_for_so_many(void)
{
	char text[32];

	for (int i = 0; i < OVERRIDES_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%d.0/24", i);
		CHECK_INT(put(text, OVERRIDE_HOLD, 100), 0);
	}
	CHECK_INT(put("10.1.0.0/24", OVERRIDE_HOLD, 100), -ENOSPC);
	CHECK_INT(put("10.0.7.0/24", OVERRIDE_RELEASE, 100), 0);
	CHECK_STR(find("10.0.7.1", 0), "release");
	CHECK_STR(find("10.0.255.1", 0), "hold");
}

static const struct check_case cases[] = {
	CASE(the_smallest_network_counts),
	CASE(all_of_ipv4_is_not_all_of_ipv6),
	CASE(the_last_word_on_a_network_counts),
	CASE(an_override_ends_at_its_time),
	CASE(what_was_said_can_be_taken_back),
	CASE(there_is_room_for_so_many),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
