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
 * others): it ends nothing, and it spoils the message. */
static void
smuggling_ends_nothing(void)
{
	static const struct {
		const char *text;
		size_t len;
	} variants[] = {
#define VARIANT(s) { s, sizeof(s) - 1 }
		VARIANT("x\n.\n"),
		VARIANT("x\n.\r\n"),
		VARIANT("x\r\n.\n"),
		VARIANT("x\r\n.\r"),
		VARIANT("x\r.\r"),
		VARIANT("x\r.\r\n"),
		VARIANT("x\r\n.\r\r\n"),
		VARIANT("x\r\n\0.\r\n"),
		VARIANT("x\r\n.\0\r\n"),
		VARIANT("x\r\n.\r\0\n"),
		VARIANT("x\n\n.\r\n"),
		VARIANT("x\r\r\n.\n"),
		VARIANT("x\n\r.\r\n"),
		VARIANT("x\r\n.\n\r\n"),
#undef VARIANT
	};

	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		start();
		CHECK(!feed_n(variants[i].text, variants[i].len, 512));
		/* What follows is still the body, up to its real end. */
		CHECK(feed("MAIL FROM:<a@b>\r\n.\r\n"));
		CHECK(body.bad);
	}
}

static void
every_bare_line_end_is_bad(void)
{
	static const char *const bad[] = { "a\nb\r\n.\r\n", "a\rb\r\n.\r\n",
		"a\r\r\n.\r\n", "\n\r\n.\r\n" };

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

static void
chunks_with_bare_line_ends_are_bad(void)
{
	char rest[2];

	body_begin_chunk(&body, 6, true);
	stored_len = used = 0;
	CHECK(feed("a\n.\r\nb"));
	CHECK(body.bad);
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
	CASE(every_bare_line_end_is_bad),
	CASE(chunks_are_counted),
	CASE(chunks_may_split_a_line_end),
	CASE(chunks_with_bare_line_ends_are_bad),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
