/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/reply.h"

#include <errno.h>

#include "tests/helpers/check.h"

static size_t len;
static int code;

static int
find(const char *text)
{
	return reply_find_end(text, strlen(text), &len, &code);
}

static void
finds_the_end(void)
{
	CHECK_INT(find("250 Ok\r\n"), 0);
	CHECK_INT(len, 8);
	CHECK_INT(code, 250);
	CHECK_INT(find("250-a\r\n250-b\r\n250 c\r\n220 x\r\n"), 0);
	CHECK_INT(len, 21);
	CHECK_INT(find("354\r\n"), 0);
	CHECK_INT(code, 354);
	CHECK_INT(find("250 Ok\n"), 0);
	CHECK_INT(len, 7);
}

static void
waits_for_the_rest(void)
{
	CHECK_INT(find(""), -EAGAIN);
	CHECK_INT(find("250 Ok\r"), -EAGAIN);
	CHECK_INT(find("250-a\r\n250-b\r\n"), -EAGAIN);
}

static void
knows_what_is_no_reply(void)
{
	CHECK_INT(find("HTTP/1.1 400\r\n"), -EBADMSG);
	CHECK_INT(find("25\r\n"), -EBADMSG);
	CHECK_INT(find("\r\n"), -EBADMSG);
	CHECK_INT(find("650 x\r\n"), -EBADMSG);
	CHECK_INT(find("250x\r\n"), -EBADMSG);
	CHECK_INT(find("250-a\r\n550 b\r\n"), -EBADMSG);
}

static void
walks_lines(void)
{
	static const char text[] = "250-mx.test\r\n250-\r\n250 SIZE 5\r\n";
	const char *pos = text, *line;

	line = reply_next_line(&pos, text + sizeof(text) - 1, &len);
	CHECK(len == 7 && memcmp(line, "mx.test", 7) == 0);
	CHECK(reply_next_line(&pos, text + sizeof(text) - 1, &len) != NULL);
	CHECK_INT(len, 0);
	line = reply_next_line(&pos, text + sizeof(text) - 1, &len);
	CHECK(len == 6 && memcmp(line, "SIZE 5", 6) == 0);
	CHECK(reply_next_line(&pos, text + sizeof(text) - 1, &len) == NULL);
}

static void
copy(const char *text, size_t size, const char *expected)
{
	char buf[256];
	size_t n = reply_copy(text, strlen(text), buf, size);

	CHECK(n <= size);
	buf[n] = '\0';
	CHECK_STR(buf, expected);
}

static void
copies_word_for_word(void)
{
	copy("250 2.0.0 Ok: queued as X\r\n", 255,
	    "250 2.0.0 Ok: queued as X\r\n");
	copy("550-a\n550 b\n", 255, "550-a\r\n550 b\r\n");
	copy("550 a\x1b[2J\x7f\r\n", 255, "550 a?[2J?\r\n");
}

/* The last line has to be there, whatever else has to go. */
static void
cuts_from_the_front(void)
{
	copy("550-aaaa\r\n550-bbbb\r\n550 cccc\r\n", 12, "550 cccc\r\n");
	copy("550 abcdefgh\r\n", 10, "550 abcd\r\n");
}

static const struct check_case cases[] = {
	CASE(finds_the_end),
	CASE(waits_for_the_rest),
	CASE(knows_what_is_no_reply),
	CASE(walks_lines),
	CASE(copies_word_for_word),
	CASE(cuts_from_the_front),
};

int
main(int argc, char **argv)
{
	return check_main(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
