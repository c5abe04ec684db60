/* SPDX-License-Identifier: ISC */
#include "policy/rdns_rules.h"

#include <errno.h>

#include "data/cidr.h"
#include "tests/helpers/check.h"

static struct rdns_rules *rules;

static void
load(const char *text)
{
	const char *why;
	int line;

	rules = rdns_rules_free(rules);
	CHECK_INT(rdns_rules_parse(text, strlen(text), &rules, &line, &why), 0);
}

static bool
match(const char *name, const char *address)
{
	struct in6_addr addr;

	CHECK_INT(cidr_parse_addr(address, strlen(address), &addr), 0);
	return rdns_rules_match(rules, name, &addr);
}

static void
addresses_in_names(void)
{
	static const char a[] = "192.0.2.7", b[] = "2001:db8::21a:4aff:fe01:2";

	load("address\n");
	CHECK(match("192-0-2-7.example.net", a));
	CHECK(match("7.2.0.192.example.net", a));
	CHECK(match("host-7-2-0.example.net", a));
	CHECK(match("ip192.000.002.007.example.net", a));
	CHECK(match("c0000207.example.net", a));
	CHECK(match("192000002007.example.net", a));
	CHECK(!match("mail7.example.net", a));
	CHECK(!match("mx-192-1.example.net", a));
	CHECK(match("2001-db8-0-0-21a-4aff-fe01-2.example.net", b));
	CHECK(match("021a4afffe010002.example.net", b));
	CHECK(!match("mail.example.net", b));
	CHECK(!match("mail.example.net", "2001:db8::1"));
	rules = rdns_rules_free(rules);
	CHECK(!match("192-0-2-7.example.net", a));
}

static void
words_and_suffixes(void)
{
	static const char a[] = "192.0.2.7";

	load("word dyn # a remark\n\n\tsuffix Pool.Example.Net\r\n");
	CHECK_INT(rdns_rules_count(rules), 2);
	CHECK(match("dyn.example.org", a));
	CHECK(match("dyn12.example.org", a));
	CHECK(match("a-dyn-b.example.org", a));
	CHECK(!match("dynamo.example.org", a));
	CHECK(!match("heydyn.example.org", a));
	CHECK(match("x.pool.example.net", a));
	CHECK(match("pool.example.net", a));
	CHECK(!match("carpool.example.net", a));
	rules = rdns_rules_free(rules);
}

static void
exceptions_win(void)
{
	static const char a[] = "192.0.2.7";

	load("except word mail\naddress\nword dyn\n"
	     "except suffix .good.example\n");
	CHECK(!match("mail.dyn.example", a));
	CHECK(!match("dyn.a.good.example", a));
	CHECK(match("dyn.good.example.net", a));
	rules = rdns_rules_free(rules);
}

static void
mistakes_have_a_line(void)
{
	static const struct {
		const char *text;
		int line;
	} bad[] = {
		{ "address\nword\n", 2 },
		{ "word a b\n", 1 },
		{ "word d5\n", 1 },
		{ "\n\nsuffix a b\n", 3 },
		{ "suffix a/b", 1 },
		{ "except address\n", 1 },
		{ "except\n", 1 },
		{ "address x\n", 1 },
		{ "regex .*\n", 1 },
	};
	const char *why;
	int line;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(rdns_rules_parse(bad[i].text, strlen(bad[i].text),
			      &rules, &line, &why),
		    -EINVAL);
		CHECK_INT(line, bad[i].line);
		CHECK(*why != '\0');
	}
	CHECK_INT(rdns_rules_parse("a\0b", 3, &rules, &line, &why), -EINVAL);
}

static const struct check_case cases[] = {
	CASE(addresses_in_names),
	CASE(words_and_suffixes),
	CASE(exceptions_win),
	CASE(mistakes_have_a_line),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
