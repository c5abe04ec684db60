/* SPDX-License-Identifier: ISC */
/* CDB files as other tools make them, whole and damaged. */
#include <cdb.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/list.h"
#include "tests/helpers/check.h"

enum { SPACE = 65536 };

static struct cdb_make make;
static int fd = -1;
static char buf[SPACE];
static size_t len;
static struct list_options options;
static struct list_report report;
static char seen[1024];

static void
begin(void)
{
	fd = memfd_create("cdb", MFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_INT(cdb_make_start(&make, fd), 0);
}

static void
add(const void *key, unsigned key_len, const void *value, unsigned value_len)
{
	CHECK_INT(cdb_make_add(&make, key, key_len, value, value_len), 0);
}

#define ADD(key, value) \
	add(key "", sizeof(key) - 1, value "", sizeof(value) - 1)

static void
end(void)
{
	ssize_t n;

	CHECK_INT(cdb_make_finish(&make), 0);
	n = pread(fd, buf, sizeof(buf), 0);
	CHECK(n > 2048 && n < SPACE);
	len = (size_t)n;
	close(fd);
}

/* Each as "192.0.2.0/24", with "!" before what is let off. */
static int
on_entry(void *arg, const struct list_entry *entry)
{
	char text[CIDR_STRLEN];
	size_t n = strlen(seen);

	(void)arg;
	if (entry->is_asn)
		snprintf(text, sizeof(text), "AS%u", entry->asn);
	else
		cidr_format(&entry->cidr, text);
	snprintf(seen + n, sizeof(seen) - n, "%s%s%s", n > 0 ? " " : "",
	    entry->is_excluded ? "!" : "", text);
	return 0;
}

static int
parse(void)
{
	seen[0] = '\0';
	memset(&report, 0, sizeof(report));
	return list_parse(&options, buf, len, on_entry, NULL, &report);
}

static void
check_seen(const char *expected)
{
	CHECK_INT(parse(), 0);
	CHECK_STR(seen, expected);
}

static void
keys_of_many_kinds(void)
{
	begin();
	ADD("192.0.2.0/24", "anything");
	ADD("2001:db8::/32", "");
	ADD("198.51.100.7", "1");
	ADD("203.0.113", "REJECT");
	ADD("192.0.2.8-192.0.2.9", "");
	ADD("AS64496", "");
	end();
	check_seen("192.0.2.0/24 2001:db8::/32 198.51.100.7/32 203.0.113.0/24 "
		   "192.0.2.8/31 AS64496");
}

static void
keys_of_postmap_end_with_a_nul(void)
{
	begin();
	ADD("192.0.2.1\0", "REJECT go away\0");
	ADD("192.0.2.2\0", "OK\0");
	ADD("192.0.2.3\0", "DUNNO\0");
	ADD("192.0.2.4\0", "\0");
	end();
	check_seen("192.0.2.1/32 !192.0.2.2/32 !192.0.2.3/32 192.0.2.4/32");
	options.is_allow = true;
	check_seen("!192.0.2.1/32 192.0.2.2/32 !192.0.2.3/32 192.0.2.4/32");
}

static void
rules_of_tcprules(void)
{
	begin();
	ADD("192.0.2.", "D");
	ADD("127.", "+RELAYCLIENT=\0");
	ADD("198.51.100.1", "+RBLSMTPD=go away\0");
	ADD("198.51.100.2", "+RBLSMTPD=\0");
	ADD("203.0.113.", "");
	ADD("203.0.113.9", "D+X=y\0");
	ADD("=.example.org", "");
	ADD("", "");
	end();
	check_seen("192.0.2.0/24 !127.0.0.0/8 198.51.100.1/32 "
		   "!198.51.100.2/32 !203.0.113.0/24 203.0.113.9/32");
}

static void
binary_keys_have_a_length(void)
{
	begin();
	ADD("\xc0\x00\x02\x07\x20", "");
	ADD("\xc0\x00\x02\x07\x18", "");
	ADD("\x80\x00\x02\x07\x01", "");
	ADD("\x0a\x00\x00\x01\x08", "");
	end();
	check_seen("192.0.2.7/32 192.0.2.0/24 128.0.0.0/1 10.0.0.0/8");
	/* None, and more than there are. */
	begin();
	ADD("\xc0\x00\x02\x07\x20", "");
	ADD("\xc0\x00\x02\x07\x21", "");
	ADD("\xc0\x00\x02\x07\x00", "");
	end();
	check_seen("192.0.2.7/32");
}

static void
what_is_meant_as_a_network_must_be_one(void)
{
	begin();
	ADD("192.0.2.1", "");
	ADD("mail.example.org", "");
	end();
	check_seen("192.0.2.1/32");
	begin();
	ADD("192.0.2.1", "");
	ADD("192.0.2.0/99", "");
	end();
	CHECK_INT(parse(), -EBADMSG);
	CHECK_INT(report.line, 2);
}

static void
every_cut_is_noticed(void)
{
	size_t whole;

	begin();
	ADD("192.0.2.0/24", "x");
	ADD("2001:db8::/32", "");
	end();
	whole = len;
	options.format = LIST_CDB;
	for (len = 0; len < whole; len++)
		CHECK_INT(parse(), -EBADMSG);
	CHECK_INT(parse(), 0);
	len++;
	CHECK_INT(parse(), -EBADMSG);
	/* And told apart from a text before it is read. */
	options.format = LIST_AUTO;
	len = whole;
	CHECK_INT(parse(), 0);
	CHECK_STR(seen, "192.0.2.0/24 2001:db8::/32");
}

static bool
is_zero(size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (buf[at + i] != 0)
			return false;
	return true;
}

/* In the head, a length, a key or the tables: all but the values, and the hash
 * of a place that is not in use. */
static void
every_flipped_bit_is_noticed(void)
{
	size_t value, tables;

	options.format = LIST_CDB;
	begin();
	ADD("192.0.2.0/24", "x");
	ADD("198.51.100.0/24", "");
	end();
	value = 2048 + 8 + strlen("192.0.2.0/24");
	CHECK_INT(buf[value], 'x');
	tables = value + 1 + 8 + strlen("198.51.100.0/24");
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			bool is_noticed,
			    is_free = i >= tables && (i - tables) % 8 < 4 &&
			    is_zero(tables + (i - tables) / 8 * 8 + 4, 4);

			buf[i] ^= (char)(1 << bit);
			is_noticed = parse() < 0;
			buf[i] ^= (char)(1 << bit);
			CHECK_INT(is_noticed, i != value && !is_free);
		}
}

static void
our_own_are_no_source(void)
{
	begin();
	ADD("meta", "tarpit-lists");
	end();
	CHECK_INT(parse(), -EBADMSG);
	CHECK(strstr(report.text, "itself") != NULL);
	/* Somebody's else. */
	begin();
	ADD("meta", "tarpit-l");
	ADD("192.0.2.1", "");
	end();
	check_seen("192.0.2.1/32");
}

static void
nothing_is_an_empty_list(void)
{
	begin();
	CHECK_INT(cdb_make_finish(&make), 0);
	CHECK_INT(pread(fd, buf, sizeof(buf), 0), 2048);
	len = 2048;
	close(fd);
	check_seen("");
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(keys_of_many_kinds),
		CASE(keys_of_postmap_end_with_a_nul),
		CASE(rules_of_tcprules),
		CASE(binary_keys_have_a_length),
		CASE(what_is_meant_as_a_network_must_be_one),
		CASE(every_cut_is_noticed),
		CASE(every_flipped_bit_is_noticed),
		CASE(our_own_are_no_source),
		CASE(nothing_is_an_empty_list),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
