/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "data/cidr.h"
#include "tests/helpers/check.h"

/* What TEXT is parsed to, as formatted; or the error. */
static const char *
parsed(const char *text, bool *ret_masked)
{
	static char buf[CIDR_STRLEN];
	struct cidr cidr;
	int r = cidr_parse(text, strlen(text), &cidr, ret_masked);

	if (r == -EINVAL)
		return "EINVAL";
	if (r == -ERANGE)
		return "ERANGE";
	CHECK_INT(r, 0);
	return cidr_format(&cidr, buf);
}

static struct cidr
prefix(const char *text)
{
	struct cidr cidr;
	bool masked;

	CHECK_INT(cidr_parse(text, strlen(text), &cidr, &masked), 0);
	return cidr;
}

static void
parses_and_formats(void)
{
	static const char *const pairs[][2] = {
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "192.0.2.0/24", "192.0.2.0/24" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "255.255.255.255/32", "255.255.255.255/32" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "2001:DB8:0:0::1", "2001:db8::1/128" },
		{ "::/0", "::/0" },
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24" },
	};
	bool masked;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		CHECK_STR(parsed(pairs[i][0], &masked), pairs[i][1]);
		CHECK(!masked);
	}
}

static void
clears_and_tells_host_bits(void)
{
	bool masked = false;

	CHECK_STR(parsed("192.0.2.129/25", &masked), "192.0.2.128/25");
	CHECK(masked);
	masked = false;
	CHECK_STR(parsed("2001:db8::1/33", &masked), "2001:db8::/33");
	CHECK(masked);
	masked = false;
	CHECK_STR(parsed("255.255.255.255/0", &masked), "0.0.0.0/0");
	CHECK(masked);
}

static void
refuses_what_is_no_prefix(void)
{
	static const char *const bad[] = { "", "/", "/24", "192.0.2", "1",
		"192.0.2.256", "192.0.2.1.1", "010.0.0.1", "0x7f.0.0.1",
		" 192.0.2.1", "192.0.2.1 ", "2001:db8::g", "2001:db8",
		"fe80::1%eth0", "[::1]", "example.org", "::ffff:999.0.0.1",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999" };
	static const char *const bad_length[] = { "192.0.2.0/", "::/",
		"192.0.2.0/33", "::/129", "192.0.2.0/-1", "192.0.2.0/+1",
		"192.0.2.0/024", "192.0.2.0/24 ", "192.0.2.0/24/24",
		"192.0.2.0/255.255.255.0", "::/4294967296" };
	bool masked;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_STR(parsed(bad[i], &masked), "EINVAL");
	for (size_t i = 0; i < ARRAY_SIZE(bad_length); i++)
		CHECK_STR(parsed(bad_length[i], &masked), "ERANGE");
}

static void
refuses_nul_and_reads_no_further(void)
{
	struct cidr cidr;
	bool masked;

	CHECK_INT(cidr_parse("1.2.3.4\0", 8, &cidr, &masked), -EINVAL);
	/* The byte past the slice is not part of it. */
	CHECK_INT(cidr_parse("1.2.3.45", 7, &cidr, &masked), 0);
	CHECK_INT(cidr.addr.s6_addr[15], 4);
}

static void
knows_first_and_last(void)
{
	struct cidr cidr = prefix("192.0.2.128/26");
	struct in6_addr last = cidr_last(&cidr);
	char buf[CIDR_STRLEN];

	CHECK_STR(cidr_format_addr(&last, buf), "192.0.2.191");
	CHECK(cidr_contains(&cidr, &last));
	cidr = prefix("2001:db8::/29");
	last = cidr_last(&cidr);
	CHECK_STR(cidr_format_addr(&last, buf),
	    "2001:dbf:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void
contains_only_its_own(void)
{
	struct cidr net = prefix("10.1.0.0/17");
	struct in6_addr inside = prefix("10.1.127.255").addr;
	struct in6_addr outside = prefix("10.1.128.0").addr;
	struct in6_addr other_family = prefix("::a01:1").addr;

	CHECK(cidr_contains(&net, &inside));
	CHECK(!cidr_contains(&net, &outside));
	CHECK(!cidr_contains(&net, &other_family));
}

static void
tells_families_apart(void)
{
	struct cidr v4 = prefix("0.0.0.0/0"), v6 = prefix("::/0");

	CHECK_INT(v4.len, CIDR_V4_BITS);
	CHECK(cidr_is_v4(&v4));
	CHECK(!cidr_is_v4(&v6));
	/* It starts like an IPv4 address but is wider than all of them. */
	v6 = cidr_mask(&v4.addr, 95);
	CHECK(!cidr_is_v4(&v6));
}

static void
orders_wider_before_inner(void)
{
	struct cidr wide = prefix("10.0.0.0/8"), inner = prefix("10.0.0.0/9");
	struct cidr next = prefix("10.128.0.0/9");

	CHECK(cidr_compare(&wide, &inner) < 0);
	CHECK(cidr_compare(&inner, &next) < 0);
	CHECK(cidr_compare(&next, &wide) > 0);
	CHECK_INT(cidr_compare(&wide, &wide), 0);
}

static const struct check_case cases[] = {
	CASE(parses_and_formats),
	CASE(clears_and_tells_host_bits),
	CASE(refuses_what_is_no_prefix),
	CASE(refuses_nul_and_reads_no_further),
	CASE(knows_first_and_last),
	CASE(contains_only_its_own),
	CASE(tells_families_apart),
	CASE(orders_wider_before_inner),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
