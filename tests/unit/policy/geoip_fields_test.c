/* SPDX-License-Identifier: ISC */
/* What is read of a value in a database, whoever published it. */
#include "policy/source_geoip_internal.h"
#include "tests/helpers/check.h"

static uint32_t
read_text(const struct geoip_kind *kind, const char *text)
{
	MMDB_entry_data_s data = { .has_data = true,
		.type = MMDB_DATA_TYPE_UTF8_STRING,
		.utf8_string = text,
		.data_size = (uint32_t)strlen(text) };

	return kind->read(&data);
}

static uint32_t
asn_of(const char *text)
{
	return read_text(&source_geoip_asn, text);
}

static uint32_t
asn_in(MMDB_entry_data_s data)
{
	return source_geoip_asn.read(&data);
}

static void
systems_in_texts(void)
{
	CHECK_INT(asn_of("AS64496"), 64496);
	CHECK_INT(asn_of("as64496"), 64496);
	CHECK_INT(asn_of("64496"), 64496);
	CHECK_INT(asn_of("AS64496 Example Networks"), 64496);
	CHECK_INT(asn_of("AS1"), 1);
	CHECK_INT(asn_of("7"), 7);
	CHECK_INT(asn_of("10"), 10);
	CHECK_INT(asn_of("4294967295"), 4294967295);
	CHECK_INT(asn_of("4294967296"), 0);
	CHECK_INT(asn_of("0000064496"), 64496);
	CHECK_INT(asn_of("00000064496"), 0);
	CHECK_INT(asn_of(""), 0);
	CHECK_INT(asn_of("AS"), 0);
	CHECK_INT(asn_of("AS Example"), 0);
	CHECK_INT(asn_of("AS64496x"), 0);
	CHECK_INT(asn_of("AS64496/1"), 0);
	CHECK_INT(asn_of("AS64:96"), 0);
	CHECK_INT(asn_of("BS64496"), 0);
	CHECK_INT(asn_of("-64496"), 0);
}

static void
systems_in_numbers(void)
{
	MMDB_entry_data_s data = { .has_data = true };

	data.type = MMDB_DATA_TYPE_UINT16;
	data.uint16 = 65535;
	CHECK_INT(asn_in(data), 65535);
	data.type = MMDB_DATA_TYPE_UINT32;
	data.uint32 = UINT32_MAX;
	CHECK_INT(asn_in(data), UINT32_MAX);
	data.type = MMDB_DATA_TYPE_UINT64;
	data.uint64 = UINT32_MAX;
	CHECK_INT(asn_in(data), UINT32_MAX);
	data.uint64 = UINT32_MAX + 1ULL;
	CHECK_INT(asn_in(data), 0);
	data.type = MMDB_DATA_TYPE_INT32;
	data.int32 = 64496;
	CHECK_INT(asn_in(data), 64496);
	data.int32 = -1;
	CHECK_INT(asn_in(data), 0);
	data.type = MMDB_DATA_TYPE_BOOLEAN;
	data.boolean = true;
	CHECK_INT(asn_in(data), 0);
}

static void
countries(void)
{
	const struct geoip_kind *kind = &source_geoip_country;
	MMDB_entry_data_s number = {
		.has_data = true, .type = MMDB_DATA_TYPE_UINT16, .uint16 = 4
	};

	CHECK_INT(read_text(kind, "CN"), 'C' % 'A' * 26 + 'N' % 'A' + 1);
	CHECK_INT(read_text(kind, "cn"), read_text(kind, "CN"));
	CHECK_INT(read_text(kind, "aZ"), read_text(kind, "AZ"));
	CHECK_INT(read_text(kind, "ZA"), 25 * 26 + 1);
	CHECK(read_text(kind, "QA") != 0);
	CHECK(read_text(kind, "QL") != 0);
	CHECK_INT(read_text(kind, "QM"), 0);
	CHECK_INT(read_text(kind, "QZ"), 0);
	CHECK(read_text(kind, "XK") != 0);
	CHECK_INT(read_text(kind, "XX"), 0);
	CHECK_INT(read_text(kind, "EU"), 0);
	CHECK_INT(read_text(kind, "ap"), 0);
	CHECK_INT(read_text(kind, "C1"), 0);
	CHECK_INT(read_text(kind, "[N"), 0);
	CHECK_INT(read_text(kind, "C"), 0);
	CHECK_INT(read_text(kind, "CHN"), 0);
	CHECK_INT(kind->read(&number), 0);
}

/* The fact of each value is that value's. */
static void
facts_of_values(void)
{
	static struct rules rules;
	struct inquiry q = { .rules = &rules };
	char why[128];

	CHECK_INT(rules_table.sections[2].set(
		      &rules, "asn.64496", "9", why, sizeof(why)),
	    0);
	rules.named[FACT_COUNTRY_UNKNOWN] = 5;
	rules.named[FACT_ASN_UNKNOWN] = 6;
	rules.country_weight[25 * 26] = 7;
	facts_init(&q.facts);
	source_geoip_country.add(&q, 25 * 26 + 1);
	CHECK_STR(q.facts.country, "ZA");
	CHECK_INT(q.facts.n, 1);
	CHECK_INT(q.facts.fact[0].kind, FACT_COUNTRY);
	CHECK_INT(q.facts.fact[0].weight, 7);
	source_geoip_asn.add(&q, 64496);
	CHECK_INT(q.facts.asn, 64496);
	CHECK_INT(q.facts.n, 2);
	CHECK_INT(
	    q.facts.fact[0].number + q.facts.fact[1].number, 25 * 26 + 64496);
	facts_init(&q.facts);
	source_geoip_country.add(&q, 0);
	source_geoip_asn.add(&q, 0);
	CHECK_INT(q.facts.n, 2);
	CHECK_INT(q.facts.fact[0].weight + q.facts.fact[1].weight, 11);
	CHECK_INT(q.facts.asn, 0);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(systems_in_texts),
		CASE(systems_in_numbers),
		CASE(countries),
		CASE(facts_of_values),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
