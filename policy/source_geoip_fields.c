/* SPDX-License-Identifier: ISC */
/*
 * Where publishers put a country or an autonomous system in their databases:
 * MaxMind's GeoIP2 and GeoLite2, DB-IP, IPinfo, IP2Location, ipregistry, and
 * what is made of RIR and routing data (ip-location-db, iptoasn).
 */
#include <string.h>

#include "policy/source_geoip_internal.h"

/* What some publishers write where there is no country: organisations and
 * anonymisers have codes there, or a code that ISO 3166 leaves to its users.
 * XK, Kosovo, is one of these and meant as a country by all who use it. */
bool
source_geoip_is_country(const char code[2])
{
	static const char none[][3] = { "AA", "ZZ", "AP", "EU", "EZ", "UN" };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		if (memcmp(code, none[i], 2) == 0)
			return false;
	}
	if (code[0] == 'Q' && code[1] >= 'M')
		return false;
	return code[0] != 'X' || code[1] == 'K';
}

static uint32_t
read_country(const MMDB_entry_data_s *data)
{
	char code[2];
	int index;

	if (data->type != MMDB_DATA_TYPE_UTF8_STRING || data->data_size != 2)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		code[i] = data->utf8_string[i];
		if (code[i] >= 'a' && code[i] <= 'z')
			code[i] = (char)(code[i] - 'a' + 'A');
	}
	index = country_index(code);
	return index < 0 || !source_geoip_is_country(code)
	    ? 0
	    : (uint32_t)index + 1;
}

static void
add_country(struct inquiry *q, uint32_t value)
{
	uint32_t index = value - 1;

	if (value == 0) {
		rules_add_named(q->rules, FACT_COUNTRY_UNKNOWN, &q->facts);
		return;
	}
	q->facts.country[0] = (char)('A' + index / 26);
	q->facts.country[1] = (char)('A' + index % 26);
	q->facts.country[2] = '\0';
	facts_add(&q->facts,
	    &(struct fact){ .kind = FACT_COUNTRY,
		.class = CLASS_OTHERS,
		.weight = q->rules->country_weight[index],
		.number = index });
}

/* "AS64496", "64496" or "AS64496 Example Networks", at most 32 bits. */
static uint32_t
read_asn_text(const char *text, size_t len)
{
	uint64_t asn = 0;
	size_t i = len > 2 && strncasecmp(text, "AS", 2) == 0 ? 2 : 0;
	size_t first = i;

	for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		if (i - first == 10)
			return 0;
		asn = asn * 10 + (uint64_t)(text[i] - '0');
	}
	if (i == first || (i < len && text[i] != ' '))
		return 0;
	return asn > UINT32_MAX ? 0 : (uint32_t)asn;
}

static uint32_t
read_asn(const MMDB_entry_data_s *data)
{
	switch (data->type) {
	case MMDB_DATA_TYPE_UINT16:
		return data->uint16;
	case MMDB_DATA_TYPE_UINT32:
		return data->uint32;
	case MMDB_DATA_TYPE_UINT64:
		return data->uint64 > UINT32_MAX ? 0 : (uint32_t)data->uint64;
	case MMDB_DATA_TYPE_INT32:
		return data->int32 < 0 ? 0 : (uint32_t)data->int32;
	case MMDB_DATA_TYPE_UTF8_STRING:
		return read_asn_text(data->utf8_string, data->data_size);
	default: /* the library's types are plain numbers */
		return 0;
	}
}

static void
add_asn(struct inquiry *q, uint32_t asn)
{
	if (asn == 0) {
		rules_add_named(q->rules, FACT_ASN_UNKNOWN, &q->facts);
		return;
	}
	q->facts.asn = asn;
	facts_add(&q->facts,
	    &(struct fact){ .kind = FACT_ASN,
		.class = CLASS_OTHERS,
		.weight = rules_asn_weight(q->rules, asn),
		.number = asn });
}

const struct geoip_kind source_geoip_country = {
	.path = {
	    { "country", "iso_code" },
	    { "country_code" },
	    { "country" },
	    { "country", "code" },
	    { "country", "country_code" },
	    { "countryCode" },
	    { "country_iso_code" },
	    { "country_iso" },
	    { "country_short" },
	    { "iso_code" },
	    { "cc" },
	    { "location", "country", "iso_code" },
	    { "location", "country", "code" },
	    { "location", "country_code" },
	    { "location", "country" },
	    { "geo", "country_code" },
	    { "traits", "country_code" },
	    { "asn", "country_code" },
	    /* Where it was registered stands in for where it is. */
	    { "registered_country", "iso_code" },
	    { "registered_country_code" },
	    { "registered_country" },
	},
	.read = read_country,
	.add = add_country,
	.missing = "no country code (country.iso_code, "
		   "country_code, country or the like): is it a database of "
		   "countries?",
};

const struct geoip_kind source_geoip_asn = {
	.path = {
	    { "autonomous_system_number" },
	    { "asn" },
	    { "traits", "autonomous_system_number" },
	    { "as_number" },
	    { "as" },
	    { "ASN" },
	    { "number" },
	    { "asn", "number" },
	    { "asn", "asn" },
	    { "asn", "autonomous_system_number" },
	    { "as", "number" },
	    { "as", "asn" },
	    { "autonomous_system", "number" },
	    { "autonomous_system", "asn" },
	    { "connection", "asn" },
	    { "network", "asn" },
	    { "isp", "autonomous_system_number" },
	    { "as_num" },
	    { "origin_as" },
	},
	.read = read_asn,
	.add = add_asn,
	.missing = "no number "
		   "(autonomous_system_number, asn or the like): is it a "
		   "database of autonomous systems?",
};

/* A field that is not there, is of another type or is damaged is no value:
 * the next place is tried. */
uint32_t
source_geoip_read(const struct geoip_kind *kind, MMDB_entry_s *entry)
{
	MMDB_entry_data_s data;
	uint32_t value = 0;

	for (size_t i = 0;
	     i < GEOIP_PATHS_MAX && kind->path[i][0] && value == 0; i++) {
		if (MMDB_aget_value(entry, &data, kind->path[i]) ==
			MMDB_SUCCESS &&
		    data.has_data)
			value = kind->read(&data);
	}
	return value;
}
