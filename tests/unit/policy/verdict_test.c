/* SPDX-License-Identifier: ISC */
#include "policy/verdict.h"

#include "tests/helpers/check.h"

static void
add_named(struct facts *f, const char *name, int32_t weight)
{
	CHECK(facts_add(f,
	    &(struct fact){
		.kind = FACT_NAMED, .weight = weight, .name = name }));
}

static void
add_number(
    struct facts *f, enum fact_kind kind, uint32_t number, int32_t weight)
{
	CHECK(facts_add(f,
	    &(struct fact){
		.kind = kind, .weight = weight, .number = number }));
}

static const char *
print(const struct facts *f, size_t size)
{
	static char buf[1024];

	memset(buf, '#', sizeof(buf));
	CHECK_INT(verdict_print_reason(f, NULL, buf, size), strlen(buf));
	CHECK(strlen(buf) < size);
	CHECK_INT(buf[size], '#');
	return buf;
}

static void
lane_names(void)
{
	CHECK_STR(lane_name(LANE_PASS), "pass");
	CHECK_STR(lane_name(LANE_SLOW), "slow");
	CHECK_STR(lane_name(LANE_THROTTLE), "throttle");
	CHECK_STR(lane_name(LANE_HOLD), "hold");
}

static void
no_facts_no_reason(void)
{
	struct facts f;

	facts_init(&f);
	CHECK_STR(print(&f, REASON_SIZE), "");
}

static void
heaviest_first(void)
{
	struct facts f;

	facts_init(&f);
	add_named(&f, "history.none", 20);
	add_number(&f, FACT_COUNTRY, (uint32_t)country_index("CN"), 15);
	add_named(&f, "list.drop", 100);
	CHECK_STR(print(&f, REASON_SIZE),
	    "list.drop+100 history.none+20 country.CN+15");
}

static void
heavy_is_absolute(void)
{
	struct facts f;

	facts_init(&f);
	add_named(&f, "list.drop", 100);
	add_named(&f, "list.known", -1000);
	add_number(&f, FACT_ASN, 64496, -100);
	CHECK_STR(print(&f, REASON_SIZE),
	    "list.known-1000 list.drop+100 asn.64496-100");
}

static void
weightless_facts_unsaid(void)
{
	struct facts f;

	facts_init(&f);
	add_named(&f, "history.none", 0);
	add_number(&f, FACT_ASN, 1, 0);
	CHECK_INT(f.n, 0);
	CHECK_STR(print(&f, REASON_SIZE), "");
}

static void
extreme_numbers(void)
{
	struct facts f;

	facts_init(&f);
	add_number(&f, FACT_ASN, UINT32_MAX, -1000000);
	add_number(&f, FACT_COUNTRY, COUNTRY_COUNT - 1, 1000000);
	CHECK_STR(print(&f, REASON_SIZE),
	    "asn.4294967295-1000000 country.ZZ+1000000");
}

static void
cut_between_facts(void)
{
	struct facts f;

	facts_init(&f);
	add_named(&f, "aaaa", 30);
	add_named(&f, "bbbb", 20);
	add_named(&f, "cccc", 10);
	/* All: 23 bytes and the NUL. */
	CHECK_STR(print(&f, 24), "aaaa+30 bbbb+20 cccc+10");
	CHECK_STR(print(&f, 23), "aaaa+30 bbbb+20 ...");
	CHECK_STR(print(&f, 20), "aaaa+30 bbbb+20 ...");
	CHECK_STR(print(&f, 19), "aaaa+30 ...");
	CHECK_STR(print(&f, 12), "aaaa+30 ...");
	CHECK_STR(print(&f, 11), "...");
	CHECK_STR(print(&f, 5), "...");
}

static void
full_of_long_names(void)
{
	char name[100];
	struct facts f;
	const char *text;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	facts_init(&f);
	for (int i = 0; i < FACTS_MAX; i++)
		add_named(&f, name, i + 1);
	CHECK(!facts_add(&f,
	    &(struct fact){ .kind = FACT_NAMED, .weight = 1, .name = name }));
	text = print(&f, REASON_SIZE);
	CHECK_STR(text + strlen(text) - 4, " ...");
	CHECK(strstr(text, "+160 ") && strstr(text, "+159 "));
}

static void
country_codes(void)
{
	CHECK_INT(country_index("AA"), 0);
	CHECK_INT(country_index("ZZ"), COUNTRY_COUNT - 1);
	CHECK_INT(country_index("cn"), -1);
	CHECK_INT(country_index("A1"), -1);
	CHECK_INT(country_index("\xff\xff"), -1);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(lane_names),
		CASE(no_facts_no_reason),
		CASE(heaviest_first),
		CASE(heavy_is_absolute),
		CASE(weightless_facts_unsaid),
		CASE(extreme_numbers),
		CASE(cut_between_facts),
		CASE(full_of_long_names),
		CASE(country_codes),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
