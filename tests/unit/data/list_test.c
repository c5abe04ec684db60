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
on_entry(void *arg, const struct cidr *cidr)
{
	struct seen *seen = arg;
	char buf[CIDR_STRLEN];
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%s%s",
	    len ? " " : "", cidr_format(cidr, buf));
	return seen->stop_with;
}

static int
parse_n(const char *text, size_t len, struct seen *ret_seen,
    struct list_report *ret_report)
{
	*ret_seen = (struct seen){ 0 };
	return list_parse(LIST_AUTO, text, len, on_entry, ret_seen, ret_report);
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
	    "192.0.2.1/32 2001:db8::/32 198.51.100.0/24");
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
	check_error("#\n#\n192.0.2.1\t10\n", 3,
	    "text after \"192.0.2.1\" that is no comment");
}

static void
quotes_no_control_bytes(void)
{
	check_error("ab\x1b[2J\n", 1, "\"ab\" is no address or prefix");
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
	    list_parse(LIST_CIDR, "::1\n::2\n", 8, on_entry, &seen, &report),
	    -ENOMEM);
	CHECK_STR(seen.text, "::1/128");
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
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
