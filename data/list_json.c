/* SPDX-License-Identifier: ISC */
/*
 * Spamhaus DROP and ASN-DROP as published since 2024: one JSON object a line,
 * {"cidr":"192.0.2.0/24","sblid":"SBL1",...} or {"asn":64496,...}, and at the
 * end {"type":"metadata","timestamp":...,"records":...,"copyright":...}.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "data/listparse.h"

static void
auto_json_cleanup(json_t **json)
{
	json_decref(*json);
}

#define AUTO_JSON __attribute__((cleanup(auto_json_cleanup))) json_t

static json_t *
load_line(struct slice line, json_error_t *ret_error)
{
	return json_loadb(line.at, line.len, JSON_REJECT_DUPLICATES, ret_error);
}

static bool
has_member(struct slice line, const char *name)
{
	json_error_t error;
	AUTO_JSON *json = line.at[0] == '{' ? load_line(line, &error) : NULL;

	return json && json_object_get(json, name);
}

/* Nothing else has such lines. */
enum { DECISIVE = 1000 };

static unsigned
drop_fits(struct slice line)
{
	/* A list that has nothing but its end is a DROP list as well as any
	 * other; it counts for little, since an ASN list has it, too. */
	return has_member(line, "cidr") ? DECISIVE : has_member(line, "type");
}

static unsigned
asn_fits(struct slice line)
{
	return has_member(line, "asn") ? DECISIVE : 0;
}

/* The string member NAME, or an empty slice. */
static struct slice
string_member(const json_t *json, const char *name)
{
	const json_t *member = json_object_get(json, name);

	if (!json_is_string(member))
		return (struct slice){ "", 0 };
	return (struct slice){ json_string_value(member),
		json_string_length(member) };
}

static int
take_prefix(struct parser *p, const json_t *json)
{
	struct slice cidr = string_member(json, "cidr");

	if (cidr.len == 0)
		return list_bad_line(p, "no \"cidr\" in this record");
	return list_put_prefix(p, cidr, string_member(json, "sblid"), false);
}

static int
take_asn(struct parser *p, const json_t *json)
{
	const json_t *asn = json_object_get(json, "asn");
	struct list_entry entry = { .is_asn = true };
	json_int_t number = json_integer_value(asn);

	if (!json_is_integer(asn) || number < 1 || number > UINT32_MAX)
		return list_bad_line(
		    p, "\"asn\" is no autonomous system's number");
	entry.asn = (uint32_t)number;
	return list_put(p, &entry, string_member(json, "sblid"));
}

/* The end: how many records there should have been, and when they were
 * published. */
static int
take_metadata(struct parser *p, const json_t *json)
{
	struct slice type = string_member(json, "type");
	UNINITIALIZED struct quote q;

	const json_t *records = json_object_get(json, "records");
	json_int_t timestamp =
	    json_integer_value(json_object_get(json, "timestamp"));

	/* {"type":"error"} is how a publisher's own trouble ends a list. */
	if (!list_is(type, "metadata"))
		return list_bad_file(p,
		    "a record of type \"%s\" instead of an entry or "
		    "\"metadata\"",
		    list_quote(type, &q));
	if (json_is_integer(records) &&
	    json_integer_value(records) !=
		(json_int_t)(p->report->entries + p->report->bad))
		return list_bad_file(p,
		    "%zu records, but the list says that it has %lld",
		    p->report->entries, (long long)json_integer_value(records));
	if (timestamp > 0)
		p->report->timestamp = (uint64_t)timestamp;
	p->is_ended = true;
	return 0;
}

/*
 * Most lines are objects of plain strings and whole numbers, and lists have
 * millions of them: those are read here in a tenth of the time.  What is in any
 * way out of the ordinary is jansson's, and what is not has the same meaning
 * there, which a fuzzer looks at.
 */

enum { MEMBERS_MAX = 8, DIGITS_MAX = 18 };

struct flat {
	struct slice cidr, sblid, asn; /* `at` NULL: there is none */
	/* No two may be the same. */
	struct slice key[MEMBERS_MAX];
	size_t n;
};

/* Whether each of these eight bytes is a character of ASCII that means nothing
 * but itself in a string, or ends it. */
static bool
is_plain_word(uint64_t w)
{
	const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
	uint64_t backslash = w ^ (ones * '\\');

	/* What is below 0x20, or zero, borrows from its top bit. */
	return ((w | (w - ones * ' ') | (backslash - ones)) & tops) == 0;
}

static bool
is_plain(struct slice line)
{
	uint64_t w = 0;
	size_t i = 0;

	for (; line.len - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, line.at + i, sizeof(w));
		if (!is_plain_word(w))
			return false;
	}
	memset(&w, ' ', sizeof(w));
	memcpy(&w, line.at + i, line.len - i);
	return is_plain_word(w);
}

static const char *
skip_spaces(const char *p, const char *end)
{
	while (p < end && *p == ' ')
		p++;
	return p;
}

/* The string at P, which moves past it; false: it is none. */
static bool
take_string(const char **p, const char *end, struct slice *ret)
{
	const char *at = *p + 1, *quote;

	if (at >= end || **p != '"')
		return false;
	quote = memchr(at, '"', (size_t)(end - at));
	if (!quote)
		return false;
	*ret = (struct slice){ at, (size_t)(quote - at) };
	*p = quote + 1;
	return true;
}

/* A number without sign, fraction and exponent that no 64 bits are too few for,
 * likewise. */
static bool
take_number(const char **p, const char *end, struct slice *ret)
{
	const char *at = *p;

	while (*p < end && list_is_digit(**p))
		++*p;
	*ret = (struct slice){ at, (size_t)(*p - at) };
	return ret->len > 0 && ret->len <= DIGITS_MAX &&
	    (*at != '0' || ret->len == 1);
}

static bool
is_key(struct slice key, const char *name, size_t len)
{
	return key.len == len && memcmp(key.at, name, len) == 0;
}

#define IS_KEY(key, name) is_key(key, name, sizeof(name) - 1)

/* KEY is no other's of this line, and nothing that says what the line is. */
static bool
add_key(struct flat *flat, struct slice key)
{
	for (size_t i = 0; i < flat->n; i++)
		if (is_key(flat->key[i], key.at, key.len))
			return false;
	if (flat->n == MEMBERS_MAX || IS_KEY(key, "type"))
		return false;
	flat->key[flat->n++] = key;
	return true;
}

static bool
take_member(struct flat *flat, const char **p, const char *end)
{
	struct slice key, value;
	bool is_string;

	if (!take_string(p, end, &key) || !add_key(flat, key))
		return false;
	*p = skip_spaces(*p, end);
	if (*p == end || *(*p)++ != ':')
		return false;
	*p = skip_spaces(*p, end);
	is_string = *p < end && **p == '"';
	if (!(is_string ? take_string(p, end, &value)
			: take_number(p, end, &value)))
		return false;
	*p = skip_spaces(*p, end);
	if (IS_KEY(key, "asn")) {
		flat->asn = value;
		return !is_string;
	}
	if (IS_KEY(key, "cidr"))
		flat->cidr = value;
	else if (IS_KEY(key, "sblid"))
		flat->sblid = value;
	else
		return true;
	return is_string;
}

static bool
scan_flat(struct slice line, struct flat *flat)
{
	const char *p = line.at, *end = line.at + line.len;

	flat->cidr = flat->sblid = flat->asn = (struct slice){ 0 };
	flat->n = 0;
	if (!is_plain(line))
		return false;
	p = skip_spaces(p, end);
	if (p == end || *p++ != '{')
		return false;
	do {
		p = skip_spaces(p, end);
		if (!take_member(flat, &p, end) || p == end)
			return false;
	} while (*p++ == ',');
	return p[-1] == '}' && skip_spaces(p, end) == end;
}

/* Whether LINE was one; *RET is what came of it. */
static bool
put_flat(struct parser *p, struct slice line, int *ret)
{
	bool wants_asn = p->report->format == LIST_ASN_JSON;
	struct list_entry entry = { .is_asn = wants_asn };
	struct slice none = { "", 0 };
	UNINITIALIZED struct flat flat;
	bool masked;

	if (!scan_flat(line, &flat))
		return false;
	if (!flat.sblid.at)
		flat.sblid = none;
	if (wants_asn && flat.asn.at &&
	    list_parse_asn(flat.asn, false, &entry.asn))
		*ret = list_put(p, &entry, flat.sblid);
	else if (!wants_asn && flat.cidr.at &&
	    cidr_parse(flat.cidr.at, flat.cidr.len, &entry.cidr, &masked) == 0)
		*ret = list_put_cidr(p, &entry.cidr, masked, flat.sblid, false);
	else
		return false; /* what is wrong is said there */
	return true;
}

static bool
is_empty(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.at[i] != ' ' && line.at[i] != '\t')
			return false;
	return true;
}

/* Apart, so that other lines need no room for jansson's errors. */
static int __attribute__((noinline))
parse_with_jansson(struct parser *p, struct slice line)
{
	json_error_t error;
	AUTO_JSON *json = load_line(line, &error);
	UNINITIALIZED struct quote q;

	if (!json_is_object(json))
		return list_bad_line(
		    p, "\"%s\" is no JSON object", list_quote(line, &q));
	if (json_object_get(json, "type"))
		return take_metadata(p, json);
	return p->report->format == LIST_ASN_JSON ? take_asn(p, json)
						  : take_prefix(p, json);
}

static int
parse_json_line(struct parser *p, struct slice line)
{
	int r;

	if (is_empty(line))
		return 0;
	if (p->is_ended)
		return list_bad_file(p, "text after the \"metadata\" record");
	return put_flat(p, line, &r) ? r : parse_with_jansson(p, line);
}

/* JSON lists end with a record that says so; without it the publisher's file,
 * or our copy of it, was cut short between two lines. */
static int
check_end(struct parser *p)
{
	if (p->is_ended)
		return 0;
	p->report->line++;
	return list_bad_file(p,
	    "the list ends without its \"metadata\" record: it was cut short");
}

const struct format list_format_drop_json = {
	.name = "drop-json",
	.parse_line = parse_json_line,
	.fits = drop_fits,
	.end = check_end,
};

const struct format list_format_asn_json = {
	.name = "asn-json",
	.parse_line = parse_json_line,
	.fits = asn_fits,
	.end = check_end,
};
