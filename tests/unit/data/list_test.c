/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "data/list.h"
#include "tests/helpers/check.h"

/* The entries seen, joined by spaces. */
struct seen {
	char text[1024];
	int stop_with;
};

static int
on_entry(void *arg, const struct list_entry *entry)
{
	struct seen *seen = arg;
	char buf[CIDR_STRLEN];
	size_t len = strlen(seen->text);

	if (entry->is_asn)
		snprintf(buf, sizeof(buf), "AS%u", entry->asn);
	else
		cidr_format(&entry->cidr, buf);
	snprintf(seen->text + len, sizeof(seen->text) - len, "%s%s%s%.*s",
	    len ? " " : "", buf, entry->note_len ? "=" : "",
	    (int)entry->note_len, entry->note_len ? entry->note : "");
	return seen->stop_with;
}

static struct list_options options;

static int
parse_n(const char *text, size_t len, struct seen *ret_seen,
    struct list_report *ret_report)
{
	*ret_seen = (struct seen){ 0 };
	return list_parse(&options, text, len, on_entry, ret_seen, ret_report);
}

static void
check_entries(const char *text, const char *entries)
{
	struct list_report report;
	struct seen seen;

	CHECK_INT(parse_n(text, strlen(text), &seen, &report), 0);
	CHECK_STR(seen.text, entries);
}

static void
check_error(const char *text, unsigned line, const char *why)
{
	struct list_report report;
	struct seen seen;

	CHECK_INT(parse_n(text, strlen(text), &seen, &report), -EBADMSG);
	CHECK_INT(report.line, line);
	CHECK_STR(report.text, why);
}

static void
reads_entries_and_comments(void)
{
	check_entries("# head\n\n192.0.2.1\n  2001:db8::/32\t; why\n"
		      "198.51.100.0/24;SBL1\n;tail\n",
	    "192.0.2.1/32 2001:db8::/32 198.51.100.0/24=SBL1");
}

static void
needs_no_last_newline(void)
{
	check_entries("192.0.2.1\n192.0.2.2", "192.0.2.1/32 192.0.2.2/32");
}

static void
tolerates_bom_and_crlf(void)
{
	check_entries("\xef\xbb\xbf"
		      "192.0.2.1\r\n\r\n192.0.2.2\r\n",
	    "192.0.2.1/32 192.0.2.2/32");
}

static void
takes_an_empty_list(void)
{
	check_entries("", "");
	check_entries("# nothing\n", "");
}

static void
counts_host_bits(void)
{
	static const char text[] = "10.0.0.0/8\n10.0.0.1/8\n10.0.0.2/8\n";
	struct list_report report;
	struct seen seen;

	CHECK_INT(parse_n(text, strlen(text), &seen, &report), 0);
	CHECK_INT(report.entries, 3);
	CHECK_INT(report.masked, 2);
	CHECK_INT(report.masked_line, 2);
}

static void
names_the_bad_line(void)
{
	check_error(
	    "192.0.2.1\n<html>\n", 2, "\"<html>\" is no address or prefix");
	check_error(
	    "192.0.2.0/33\n", 1, "\"192.0.2.0/33\": impossible prefix length");
	check_error("#\n#\n192.0.2.1 ten\n", 3,
	    "text after \"192.0.2.1\" that is no comment");
}

static void
quotes_no_control_bytes(void)
{
	check_error("ab\x1b[2J\n", 1, "\"ab\\x1b[2J\" is no address or prefix");
	/* Or it would look as if there was nothing wrong with it. */
	check_error(
	    "192.0.2.1\f\n", 1, "\"192.0.2.1\\x0c\" is no address or prefix");
	check_error("192.0.2.1\r192.0.2.2\n", 1,
	    "\"192.0.2.1\\x0d192.0.2.2\" is no address or prefix");
}

static void
refuses_nul(void)
{
	struct list_report report;
	struct seen seen;

	CHECK_INT(parse_n("192.0.2.1\n\0\n", 12, &seen, &report), -EBADMSG);
	CHECK_INT(report.line, 2);
}

static void
bounds_lines(void)
{
	char text[LIST_LINE_MAX + 2];
	struct list_report report;
	struct seen seen;

	memset(text, ' ', sizeof(text));
	memcpy(text, "192.0.2.1", 9);
	text[LIST_LINE_MAX] = '\n';
	CHECK_INT(parse_n(text, LIST_LINE_MAX + 1, &seen, &report), 0);
	text[LIST_LINE_MAX] = ' ';
	text[LIST_LINE_MAX + 1] = '\n';
	CHECK_INT(parse_n(text, sizeof(text), &seen, &report), -EBADMSG);
}

static void
stops_when_told(void)
{
	struct seen seen = { .stop_with = -ENOMEM };
	struct list_report report;

	CHECK_INT(
	    list_parse(&options, "::1\n::2\n", 8, on_entry, &seen, &report),
	    -ENOMEM);
	CHECK_STR(seen.text, "::1/128");
}

static void
keeps_identifiers_only(void)
{
	check_entries("192.0.2.0/24 ; SBL12345\n", "192.0.2.0/24=SBL12345");
	check_entries("192.0.2.1 # since Monday 7\n", "192.0.2.1/32");
	check_entries("192.0.2.1 # Monday\n", "192.0.2.1/32");
	check_entries("192.0.2.1 # a)1\n", "192.0.2.1/32");
	/* 31 bytes, and one too many. */
	check_entries("::1;1234567890123456789012345678901\n",
	    "::1/128=1234567890123456789012345678901");
	check_entries("::1;12345678901234567890123456789012\n", "::1/128");
}

static void
splits_ranges(void)
{
	check_entries("192.0.2.0-192.0.2.255\n", "192.0.2.0/24");
	check_entries("192.0.2.7 - 192.0.2.7 ; X1\n", "192.0.2.7/32=X1");
	check_entries("192.0.2.1-192.0.2.6\n",
	    "192.0.2.1/32 192.0.2.2/31 192.0.2.4/31 192.0.2.6/32");
	check_entries(
	    "255.255.255.254-255.255.255.255\n", "255.255.255.254/31");
	check_entries("0.0.0.0-255.255.255.255\n", "0.0.0.0/0");
	check_entries("2001:db8::ffff-2001:db8::1:0\n",
	    "2001:db8::ffff/128 2001:db8::1:0/128");
	check_error("192.0.2.2-192.0.2.1\n", 1,
	    "\"192.0.2.2-192.0.2.1\" is no range of addresses");
	check_error(
	    "192.0.2.2-::1\n", 1, "\"192.0.2.2-::1\" is no range of addresses");
	check_error(
	    "192.0.2.2-\n", 1, "\"192.0.2.2-\" is no range of addresses");
}

static void
reads_ipsum_above_a_count(void)
{
	static const char text[] = "# IPsum\n#\n192.0.2.1\t10\n"
				   "192.0.2.2\t3\n192.0.2.3\t2\n";
	struct list_report report;
	struct seen seen;

	check_entries(text, "192.0.2.1/32 192.0.2.2/32 192.0.2.3/32");
	options.min_count = 3;
	CHECK_INT(parse_n(text, strlen(text), &seen, &report), 0);
	CHECK_STR(seen.text, "192.0.2.1/32 192.0.2.2/32");
	CHECK_INT(report.format, LIST_IPSUM);
	CHECK_INT(report.left_out, 1);
	check_error("192.0.2.1\t10\n192.0.2.2\n", 2,
	    "\"192.0.2.2\": no count after the address");
	check_error("192.0.2.1\t10\n192.0.2.2\t-1\n", 2,
	    "\"192.0.2.2\": no count after the address");
}

#define DROP "{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\",\"rir\":\"x\"}\n"
#define ASN  "{\"asn\":64496,\"rir\":\"x\",\"domain\":\"example.org\"}\n"
#define END                                                           \
	"{\"type\":\"metadata\",\"timestamp\":1755820800,\"size\":9," \
	"\"records\":1,\"copyright\":\"(c)\"}\n"

static void
reads_drop_json(void)
{
	struct list_report report;
	struct seen seen;

	CHECK_INT(parse_n(DROP END, strlen(DROP END), &seen, &report), 0);
	CHECK_STR(seen.text, "192.0.2.0/24=SBL1");
	CHECK_INT(report.format, LIST_DROP_JSON);
	CHECK_INT(report.timestamp, 1755820800);
	check_entries("{\"cidr\":\"2001:db8::/32\"}\n" END, "2001:db8::/32");
}

static void
reads_asn_json(void)
{
	check_entries(ASN END, "AS64496");
	check_error(
	    "{\"asn\":0}\n" END, 1, "\"asn\" is no autonomous system's number");
	check_error("{\"asn\":4294967296}\n" END, 1,
	    "\"asn\" is no autonomous system's number");
	check_error("{\"asn\":\"64496\"}\n" END, 1,
	    "\"asn\" is no autonomous system's number");
}

static void
refuses_json_cut_short(void)
{
	check_error(DROP, 2,
	    "the list ends without its \"metadata\" record: it was cut short");
	check_error(
	    DROP DROP END, 3, "2 records, but the list says that it has 1");
	check_error(DROP END DROP, 3, "text after the \"metadata\" record");
	check_error(
	    DROP "{\"cidr\":\"192", 2, "\"{\"cidr\":\"192\" is no JSON object");
	check_error(DROP ASN END, 2, "no \"cidr\" in this record");
	check_error(
	    "{\"error\":\"denied\"}\n", 1, "no list format that is known");
}

static void
check_no_object(const char *line)
{
	static const char why[] = " is no JSON object";
	struct list_report report;
	struct seen seen;

	CHECK_INT(parse_n(line, strlen(line), &seen, &report), -EBADMSG);
	CHECK_INT(report.line, 1);
	CHECK(strlen(report.text) > strlen(why));
	CHECK_STR(report.text + strlen(report.text) - strlen(why), why);
}

/* What is plain is not given to jansson; it must not be judged otherwise. */
static void
judges_plain_json_alike(void)
{
	static const char *const bad[] = {
		"{\"rir\":\"a\",\"rir\":\"b\",\"cidr\":\"192.0.2.0/24\"}",
		"{\"size\":99999999999999999999,\"cidr\":\"192.0.2.0/24\"}",
		"{\"size\":01,\"cidr\":\"192.0.2.0/24\"}",
		"{\"cidr\":\"192.0.2.0/24\",}",
		"{\"cidr\":\"192.0.2.0/24\"}}",
		"{\"cidr\":\"192.0.2.0/24\",\"x\":\"\xff\"}",
		"{\"cidr\":\"192.0.2.0/24\",\"x\":\"\x1f\"}",
		"{\"cidr\":\"192.0.2.0/24\" \"x\":1}",
		"{\"cidr\":\"192.0.2.0/24\",\"x\":\"y}",
	};

	options.format = LIST_DROP_JSON;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_no_object(bad[i]);
	check_error(
	    "{\"CIDR\":\"192.0.2.0/24\"}", 1, "no \"cidr\" in this record");
	check_error("{\"cidr\":192}", 1, "no \"cidr\" in this record");
	check_entries(
	    " { \"cidr\" : \"192.0.2.0\\/24\" , \"n\" : -1.5e3 }\n"
	    "{\"cidr\":\"192.0.2.1\",\"x\":\"\xc3\xa4\"}\r\n"
	    "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
	    "\"h\":1,\"cidr\":\"192.0.2.2\"}\n"
	    "{\"type\":\"metadata\",\"records\":3}\n",
	    "192.0.2.0/24 192.0.2.1/32 192.0.2.2/32");
	options.format = LIST_ASN_JSON;
	check_entries("{\"cidr\":7,\"asn\":64496,\"sblid\":1}\n"
		      "{\"asn\" : 64497 , \"sblid\" : \"SBL7\" }\n"
		      "{\"type\":\"metadata\"}\n",
	    "AS64496 AS64497=SBL7");
	check_error("{\"asn\":64496.0}\n", 1,
	    "\"asn\" is no autonomous system's number");
}

static void
holds_to_a_given_format(void)
{
	options.format = LIST_CIDR;
	check_error("192.0.2.1\t10\n", 1,
	    "text after \"192.0.2.1\" that is no comment");
	options.format = LIST_DROP_JSON;
	check_error("192.0.2.1\n", 1, "\"192.0.2.1\" is no JSON object");
	options.format = LIST_IPSUM;
	check_error(
	    "192.0.2.1\n", 1, "\"192.0.2.1\": no count after the address");
	for (int i = 0; i < LIST_FORMAT_COUNT; i++)
		CHECK(list_format_name((enum list_format)i)[0] != '\0');
}

static const struct check_case cases[] = {
	CASE(reads_entries_and_comments),
	CASE(needs_no_last_newline),
	CASE(tolerates_bom_and_crlf),
	CASE(takes_an_empty_list),
	CASE(counts_host_bits),
	CASE(names_the_bad_line),
	CASE(quotes_no_control_bytes),
	CASE(refuses_nul),
	CASE(bounds_lines),
	CASE(stops_when_told),
	CASE(keeps_identifiers_only),
	CASE(splits_ranges),
	CASE(reads_ipsum_above_a_count),
	CASE(reads_drop_json),
	CASE(reads_asn_json),
	CASE(refuses_json_cut_short),
	CASE(judges_plain_json_alike),
	CASE(holds_to_a_given_format),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
