/* SPDX-License-Identifier: ISC */
#include "policy/dnsbl.h"

#include <errno.h>

#include "data/cidr.h"
#include "tests/helpers/check.h"

static void
names_to_ask_for(void)
{
	char name[DNS_NAME_SIZE];
	struct in6_addr addr;

	CHECK_INT(cidr_parse_addr("192.0.2.7", 9, &addr), 0);
	dnsbl_name(&addr, "bl.test", name);
	CHECK_STR(name, "7.2.0.192.bl.test");
	dnsbl_name(&addr, NULL, name);
	CHECK_STR(name, "7.2.0.192.in-addr.arpa");
	CHECK_INT(cidr_parse_addr("2001:db8::67", 12, &addr), 0);
	dnsbl_name(&addr, "bl.test", name);
	CHECK_STR(name,
	    "7.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "8.b.d.0.1.0.0.2.bl.test");
}

static void
only_127_is_a_listing(void)
{
	CHECK(dnsbl_is_listing(0x7f000002));
	CHECK(dnsbl_is_listing(0x7f00000b));
	CHECK(dnsbl_is_listing(0x7ffffe01));
	CHECK(!dnsbl_is_listing(0x7fffff01));
	CHECK(!dnsbl_is_listing(0x7ffffffe));
	CHECK(!dnsbl_is_listing(0x7fffffff));
	CHECK(!dnsbl_is_listing(0xc6336401));
	CHECK(!dnsbl_is_listing(0x80000002));
	CHECK(!dnsbl_is_listing(0));
}

static void
filters(void)
{
	struct dnsbl_filter f;

	CHECK_INT(dnsbl_filter_parse("", &f), 0);
	CHECK(dnsbl_filter_has(&f, 0x7f000002));
	CHECK_INT(dnsbl_filter_parse("127.0.0.2-11,127.0.1.4", &f), 0);
	CHECK_INT(f.n, 2);
	CHECK(!dnsbl_filter_has(&f, 0x7f000001));
	CHECK(dnsbl_filter_has(&f, 0x7f000002));
	CHECK(dnsbl_filter_has(&f, 0x7f00000b));
	CHECK(!dnsbl_filter_has(&f, 0x7f00000c));
	CHECK(dnsbl_filter_has(&f, 0x7f000104));
	CHECK(!dnsbl_filter_has(&f, 0x7f000105));
}

static void
filters_that_are_none(void)
{
	static const char *const bad[] = { "127", "127.0.0", "127.0.0.256",
		"127.0.0.2-1", "127.0.0.2-256", "127.0.0.2-", "127.0.0.2,",
		",127.0.0.2", "127.0.0.2 ", "10.0.0.1", "127.255.255.254",
		"127.0.0.2.3", "x",
		"127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5,"
		"127.0.0.6,127.0.0.7,127.0.0.8,127.0.0.9" };
	struct dnsbl_filter f;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(dnsbl_filter_parse(bad[i], &f), -EINVAL);
}

static const struct check_case cases[] = {
	CASE(names_to_ask_for),
	CASE(only_127_is_a_listing),
	CASE(filters),
	CASE(filters_that_are_none),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
