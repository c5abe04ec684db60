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
	static struct dnsbl_filter f;
	const char *why;

	CHECK_INT(dnsbl_filter_parse("", &f, &why), 0);
	CHECK(dnsbl_filter_has(&f, 0x7f000002));
	CHECK_INT(dnsbl_filter_parse("127.0.0.2-11,127.0.1.4", &f, &why), 0);
	CHECK_INT(f.n, 2);
	CHECK(!dnsbl_filter_has(&f, 0x7f000001));
	CHECK(dnsbl_filter_has(&f, 0x7f000002));
	CHECK(dnsbl_filter_has(&f, 0x7f00000b));
	CHECK(!dnsbl_filter_has(&f, 0x7f00000c));
	CHECK(dnsbl_filter_has(&f, 0x7f000104));
	CHECK(!dnsbl_filter_has(&f, 0x7f000105));
	CHECK(!dnsbl_filter_has(&f, 0x80000002));
}

/* postscreen(8) and dnswl.org have them so. */
static void
filters_with_brackets(void)
{
	static struct dnsbl_filter f;
	const char *why;

	CHECK_INT(dnsbl_filter_parse("127.0.0.[2;4..11]", &f, &why), 0);
	CHECK(dnsbl_filter_has(&f, 0x7f000002));
	CHECK(!dnsbl_filter_has(&f, 0x7f000003));
	CHECK(dnsbl_filter_has(&f, 0x7f00000b));
	CHECK_INT(dnsbl_filter_parse("127.0.[2..20].[1..3]", &f, &why), 0);
	CHECK(dnsbl_filter_has(&f, 0x7f001402));
	CHECK(!dnsbl_filter_has(&f, 0x7f001404));
	CHECK(!dnsbl_filter_has(&f, 0x7f001501));
	CHECK(!dnsbl_filter_has(&f, 0x7f000101));
	CHECK_INT(
	    dnsbl_filter_parse("127.[0-255].[0..255].[0..255]", &f, &why), 0);
	CHECK(dnsbl_filter_has(&f, 0x7f0102ff));
	CHECK_INT(dnsbl_filter_parse("127.0.0.2;127.0.0.4", &f, &why), 0);
	CHECK_INT(f.n, 2);
}

static void
filters_of_all_sizes(void)
{
	static struct dnsbl_filter f;
	char text[600] = "";
	const char *why = "";
	size_t len = 0;

	for (size_t i = 1; i <= DNSBL_PATTERNS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s127.0.0.%zu", i > 1 ? "," : "", i);
	CHECK_INT(dnsbl_filter_parse(text, &f, &why), 0);
	CHECK_INT(f.n, DNSBL_PATTERNS_MAX);
	CHECK(dnsbl_filter_has(&f, 0x7f000010));
	snprintf(text + len, sizeof(text) - len, ",127.0.0.17");
	CHECK_INT(dnsbl_filter_parse(text, &f, &why), -EINVAL);
	CHECK_STR(why,
	    "the filter has more than 16 patterns; 127.0.0.[2;4..11] is one");
	snprintf(text, sizeof(text), "127.0.0.[%0188d]", 2);
	CHECK_INT(dnsbl_filter_parse(text, &f, &why), -EINVAL);
	CHECK_STR(why, "the filter is longer than 190 bytes");
}

static void
filters_that_are_none(void)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "127", "form" },
		{ "127.0.0", "form" },
		{ "127.0.0.256", "above 255" },
		{ "127.0.0.2-1", "goes down" },
		{ "127.0.0.2-256", "above 255" },
		{ "127.0.0.2-", "form" },
		{ "127.0.0.2..", "form" },
		{ "127.0.0.2,", "form" },
		{ ",127.0.0.2", "form" },
		{ "127.0.0.2 ", "form" },
		{ "127.0.0.[2", "]" },
		{ "127.0.0.[]", "form" },
		{ "127.0.0.[2;]", "form" },
		{ "127.0.0.2]", "form" },
		{ "10.0.0.1", "127/8" },
		{ "[126..127].0.0.1", "127/8" },
		{ "127.255.255.254", "errors" },
		{ "127.255.255.[1..255]", "errors" },
		{ "127.0.0.2.3", "form" },
		{ "x", "form" },
	};
	static struct dnsbl_filter f;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *why = "";

		CHECK_INT(dnsbl_filter_parse(bad[i].text, &f, &why), -EINVAL);
		CHECK(strstr(why, bad[i].why) != NULL);
	}
}

static const struct check_case cases[] = {
	CASE(names_to_ask_for),
	CASE(only_127_is_a_listing),
	CASE(filters),
	CASE(filters_with_brackets),
	CASE(filters_of_all_sizes),
	CASE(filters_that_are_none),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
