/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/top_list.h"

#include <unistd.h>

#include <sys/socket.h>

#include "tests/helpers/check.h"

/* A dispatcher that has said TEXT. */
static struct link
link_saying(const char *text)
{
	struct link link = { .msec = 1000 };
	int pair[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_INT(write(pair[1], text, strlen(text)), (ssize_t)strlen(text));
	/* The question finds somebody to read it. */
	CHECK_INT(shutdown(pair[1], SHUT_WR), 0);
	link.fd = pair[0];
	CHECK_INT(linebuf_init(&link.in, ATTRS_MAX), 0);
	return link;
}

static const char sessions[] =
    "slot=3\nnumber=5\nclient=192.0.2.9\nlane=hold\nstate=command\n"
    "held_ms=2000\nscore=100\nrate=5\ncountry=CN\nasn=64496\n\n"
    "slot=1\nnumber=6\nclient=2001:db8::1\nlane=slow\nstate=greeting\n"
    "held_ms=9000\nscore=25\ncountry=DE\noverride=hold\n\n"
    "slot=2\nnumber=7\nclient=10.0.0.1\nlane=hold\nstate=command\n"
    "held_ms=2000\nscore=-5\ncountry=CN\n\n"
    "end=sessions\ncount=3\n\n";

static struct top_list list;

static void
load(const char *filter)
{
	struct link link = link_saying(sessions);

	CHECK_INT(top_list_load(&list, &link, filter), 0);
	CHECK_INT(list.total, 3);
	link_close(&link);
}

static void
check_order(enum top_order order, const char *expected)
{
	char slots[8] = "";

	top_list_sort(&list, order);
	for (size_t i = 0; i < list.n; i++)
		slots[i] = (char)('0' + list.row[i].slot);
	CHECK_STR(slots, expected);
}

static void
orders_are_total(void)
{
	load("");
	CHECK_INT(list.n, 3);
	check_order(TOP_BY_TIME, "123");
	check_order(TOP_BY_NETWORK, "231");
	check_order(TOP_BY_COUNTRY, "231");
	check_order(TOP_BY_SCORE, "312");
	top_list_fini(&list);
}

static void
a_filter_looks_at_all_that_is_shown(void)
{
	static const struct {
		const char *filter;
		size_t n;
	} cases[] = { { "192.0.2.", 1 }, { "cn", 2 }, { "AS64496", 1 },
		{ "HOLD", 3 }, { "greet", 1 }, { "nothing", 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		load(cases[i].filter);
		CHECK_INT(list.n, cases[i].n);
	}
	top_list_fini(&list);
}

static void
an_end_without_a_last_word_is_an_error(void)
{
	struct link link = link_saying("slot=1\nclient=192.0.2.1\n\n");

	CHECK(top_list_load(&list, &link, "") < 0);
	link_close(&link);
	link = link_saying("error=too many clients\n\n");
	CHECK(top_list_load(&list, &link, "") < 0);
	link_close(&link);
	top_list_fini(&list);
}

static void
a_row_has_room_for_anything(void)
{
	struct message m = { .data = "client=192.0.2.1\nlane=throttlethrottle\n"
				     "state=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
				     "country=XYZ\nasn=99999999999\n"
				     "held_ms=-1\nscore=nonsense\n\n" };
	struct top_row row;

	m.len = strlen(m.data);
	CHECK(top_read_row(&m, &row));
	CHECK_STR(row.lane, "throttlet");
	CHECK_STR(row.country, "XY");
	CHECK_INT(row.asn, 0);
	CHECK_INT(row.held, 0);
	m = (struct message){ "client=nobody\n\n", 15 };
	CHECK(!top_read_row(&m, &row));
}

static void
strangers_bytes_are_escaped(void)
{
	char buf[16];

	CHECK_STR(top_escape("a\xc3\xa9\x1b\\", 5, buf, sizeof(buf)),
	    "a\\xc3\\xa9\\x1b\\\\");
	CHECK_STR(top_escape("\\\x7f", 2, buf, sizeof(buf)), "\\\\\\x7f");
	/* Never half of an escape. */
	CHECK_STR(top_escape("ab\xff", 3, buf, 6), "ab");
	CHECK_STR(top_escape("ab", 2, buf, 1), "");
}

static void
a_detail_has_each_fact_on_its_line(void)
{
	struct message m = { .data = "client=192.0.2.1\nport=99\nlane=hold\n"
				     "verdict=slow\nstate=command\nscore=120\n"
				     "rate=5\nheld_ms=61000\nbytes_in=3\n"
				     "bytes_out=4\ncountry=CN\nasn=64496\n"
				     "reason=list.drop+100 country.CN+20\n"
				     "recipients=2\nhelo=\x1b[2J\n\n" };
	char line[20][DETAIL_WIDTH + 1];

	m.len = strlen(m.data);
	CHECK_INT(top_detail(&m, line, 20), 10);
	CHECK_STR(line[0], "client      192.0.2.1, port 99");
	CHECK_STR(line[1], "from        CN, AS64496");
	CHECK_STR(line[2], "lane        hold, the policy says slow; command");
	CHECK_STR(line[4], "held        1 min 1 s; 3 bytes in, 4 out");
	CHECK_STR(line[5], "HELO        \\x1b[2J");
	CHECK_STR(line[8], "reason      list.drop+100");
	CHECK_STR(line[9], "            country.CN+20");
	CHECK_INT(top_detail(&m, line, 3), 3);
}

static const struct check_case cases[] = {
	CASE(orders_are_total),
	CASE(a_filter_looks_at_all_that_is_shown),
	CASE(an_end_without_a_last_word_is_an_error),
	CASE(a_row_has_room_for_anything),
	CASE(strangers_bytes_are_escaped),
	CASE(a_detail_has_each_fact_on_its_line),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
