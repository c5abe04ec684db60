/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/body.h"

#include "bin/common/util.h"
#include "tests/helpers/check.h"

static struct body body;
static char stored[4096];
static size_t stored_len, used;

static void
start(void)
{
	body_begin(&body);
	stored_len = used = 0;
}

/* Feeds LEN bytes in pieces of STEP; true if that ended it. */
static bool
feed_n(const char *in, size_t len, size_t step)
{
	bool ended = false;
	size_t n, out, at = 0;
	char room[BODY_ROOM(512)];

	while (!ended && at < len) {
		n = len - at < step ? len - at : step;
		ended = body_feed(&body, in + at, n, &n, room, &out);
		CHECK(stored_len + out < sizeof(stored));
		memcpy(stored + stored_len, room, out);
		stored_len += out;
		at += n;
	}
	used += at;
	stored[stored_len] = '\0';
	return ended;
}

static bool
feed(const char *in)
{
	return feed_n(in, strlen(in), 512);
}

static void
ends_at_its_dot_only(void)
{
	start();
	CHECK(feed("Subject: x\r\n\r\nHello.\r\n.\r\nQUIT\r\n"));
	CHECK_STR(stored, "Subject: x\r\n\r\nHello.\r\n");
	CHECK_INT(used, 25);
	CHECK(!body.bad);
}

static void
ends_at_once_if_empty(void)
{
	start();
	CHECK(feed(".\r\n"));
	CHECK_STR(stored, "");
}

static void
keeps_its_dots_stuffed(void)
{
	start();
	CHECK(feed("..\r\n.x\r\n...\r\na.\r\n.\r\n"));
	CHECK_STR(stored, "..\r\n.x\r\n...\r\na.\r\n");
	CHECK(!body.bad);
}

static void
is_the_same_in_any_pieces(void)
{
	static const char text[] = "..a\r\n\r\n.b\r\nc\r\n\r\n.\r\n";

	for (size_t step = 1; step < sizeof(text); step++) {
		start();
		CHECK(feed_n(text, sizeof(text) - 1, step));
		CHECK_STR(stored, "..a\r\n\r\n.b\r\nc\r\n\r\n");
		CHECK(!body.bad);
	}
}

/* Every end of data that some server has taken for one (CVE-2023-51764 and
 * others) ends nothing; what follows is text of the one message, which ends at
 * its real end.  So it is in pieces of any size. */
static void
smuggling_ends_nothing(void)
{
	static const struct {
		const char *text;
		size_t len;
		const char *stored; /* NULL: the message is bad */
	} variants[] = {
#define VARIANT(s, stored) { s, sizeof(s) - 1, stored }
		VARIANT("x\n.\n", "x\r\n..\r\n"),
		VARIANT("x\n.\r\n", "x\r\n..\r\n"),
		VARIANT("x\r\n.\n", "x\r\n..\r\n"),
		VARIANT(".\n", "..\r\n"),
		VARIANT("\n.\n.\n.\n", "\r\n..\r\n..\r\n..\r\n"),
		VARIANT("x\n\n.\r\n", "x\r\n\r\n..\r\n"),
		VARIANT("x\r\n.\n\r\n", "x\r\n..\r\n\r\n"),
		VARIANT("x\r\n.\n\n", "x\r\n..\r\n\r\n"),
		VARIANT("x\r\n.\r", NULL),
		VARIANT("x\r.\r", NULL),
		VARIANT("x\r.\r\n", NULL),
		VARIANT("x\r\n.\r\r\n", NULL),
		VARIANT("x\n.\r\r\n", NULL),
		VARIANT("x\r\n\0.\r\n", NULL),
		VARIANT("x\r\n.\0\r\n", NULL),
		VARIANT("x\r\n.\r\0\n", NULL),
		VARIANT("x\r\r\n.\n", NULL),
		VARIANT("x\n\r.\r\n", NULL),
#undef VARIANT
	};
	static const char smuggled[] = "MAIL FROM:<a@b>\r\n.\r\n";
	char expected[256];

	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		for (size_t step = 1; step < 20; step++) {
			start();
			CHECK(!feed_n(variants[i].text, variants[i].len, step));
			CHECK(feed_n(smuggled, sizeof(smuggled) - 1, step));
			CHECK_INT(body.bad, variants[i].stored == NULL);
			if (variants[i].stored == NULL)
				continue;
			CHECK(body.bare_lf);
			snprintf(expected, sizeof(expected),
			    "%sMAIL FROM:<a@b>\r\n", variants[i].stored);
			CHECK_STR(stored, expected);
		}
}

static void
a_bare_lf_becomes_a_line_end(void)
{
	start();
	CHECK(feed("a\nb\r\n\n\nc\n.d\n..e\r\n.\r\n"));
	/* Dots that the client has stuffed stay so, as after CRLF. */
	CHECK_STR(stored, "a\r\nb\r\n\r\n\r\nc\r\n.d\r\n..e\r\n");
	CHECK(!body.bad && body.bare_lf);
	start();
	CHECK(feed("a\r\n.\r\n"));
	CHECK(!body.bare_lf);
}

static void
a_bare_cr_is_bad(void)
{
	static const char *const bad[] = { "a\rb\r\n.\r\n", "a\r\r\n.\r\n",
		"\r\r\n.\r\n", ".\rx\r\n.\r\n", "\n.\rx\r\n.\r\n" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		start();
		CHECK(feed(bad[i]));
		CHECK(body.bad);
	}
}

static void
chunks_are_counted(void)
{
	char rest[2];

	body_begin_chunk(&body, 5, true);
	stored_len = used = 0;
	CHECK(feed("ab\r\n.QUIT\r\n"));
	CHECK_INT(used, 5);
	body_begin_chunk(&body, 6, false);
	CHECK(feed("\r\n.\r\nx"));
	CHECK_INT(used, 11);
	CHECK_INT(body_finish(&body, rest), 2);
	/* Stuffed, since it goes on by DATA: a dot that was none of an end. */
	CHECK_STR(stored, "ab\r\n..\r\n..\r\nx");
	CHECK(!body.bad);
}

static void
chunks_may_split_a_line_end(void)
{
	char rest[2];

	body_begin_chunk(&body, 2, true);
	stored_len = used = 0;
	CHECK(feed("a\r"));
	body_begin_chunk(&body, 1, false);
	CHECK(feed("\n"));
	CHECK_INT(body_finish(&body, rest), 0);
	CHECK_STR(stored, "a\r\n");
	CHECK(!body.bad);
}

/* By BDAT nothing is stuffed, and each line may begin with a dot. */
static void
chunks_with_bare_lf_are_made_lines(void)
{
	char rest[2];

	body_begin_chunk(&body, 8, true);
	stored_len = used = 0;
	CHECK(feed("a\n.\n.b\r\n"));
	body_begin_chunk(&body, 4, false);
	CHECK(feed(".\r\nc"));
	CHECK_INT(body_finish(&body, rest), 2);
	CHECK_STR(stored, "a\r\n..\r\n..b\r\n..\r\nc");
	CHECK(!body.bad && body.bare_lf);
	body_begin_chunk(&body, 2, true);
	CHECK(feed("a\n"));
	CHECK_INT(body_finish(&body, rest), 0);
	body_begin_chunk(&body, 2, true);
	CHECK(feed("a\r"));
	CHECK(!body.bad);
	(void)body_finish(&body, rest);
	CHECK(body.bad);
}

static const struct check_case cases[] = {
	CASE(ends_at_its_dot_only),
	CASE(ends_at_once_if_empty),
	CASE(keeps_its_dots_stuffed),
	CASE(is_the_same_in_any_pieces),
	CASE(smuggling_ends_nothing),
	CASE(a_bare_lf_becomes_a_line_end),
	CASE(a_bare_cr_is_bad),
	CASE(chunks_are_counted),
	CASE(chunks_may_split_a_line_end),
	CASE(chunks_with_bare_lf_are_made_lines),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
