/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/envelope.h"

#include "bin/common/util.h"
#include "bin/tarpitd/esmtp.h"
#include "tests/helpers/check.h"

enum { ALL = 0x7f };

static struct envelope e;

static bool
reads(const char *text)
{
	return envelope_read(text, strlen(text), "FROM", ALL, &e);
}

/* "argument|path", or "" if there is none. */
static const char *
show(const char *text)
{
	static char buf[256];

	if (!reads(text))
		return "";
	snprintf(buf, sizeof(buf), "%.*s|%.*s", (int)e.len, e.argument,
	    (int)e.path_len, e.argument);
	return buf;
}

static void
finds_the_path(void)
{
	CHECK_STR(show("FROM:<a@b.test>"), "<a@b.test>|<a@b.test>");
	CHECK_STR(
	    show("from:  <a@b.test>  SIZE=1"), "<a@b.test>  SIZE=1|<a@b.test>");
	CHECK_STR(
	    show("From\t:\ta@b.test\tSIZE=1"), "a@b.test\tSIZE=1|a@b.test");
	CHECK_STR(show("FROM:<\"a b\"@c> X"), "<\"a b\"@c> X|<\"a b\"@c>");
	CHECK_STR(show("FROM:<\"a\\\" b\"@c> X"),
	    "<\"a\\\" b\"@c> X|<\"a\\\" b\"@c>");
	CHECK_STR(show("FROM:<\"a b"), "<\"a b|<\"a b");
	CHECK_STR(show("FROM:\"a\\"), "\"a\\|\"a\\");
	CHECK_STR(show("FROM:<>"), "<>|<>");
	CHECK_STR(show("FROM:Joe <a@b.test>"), "Joe <a@b.test>|Joe");
	CHECK_STR(show("FROM:"), "");
	CHECK_STR(show("FROM: \t"), "");
	CHECK_STR(show("FROM"), "");
	CHECK_STR(show("FROM <a@b.test>"), "");
	CHECK_STR(show("FRO"), "");
	CHECK_STR(show("TO:<a@b.test>"), "");
}

/* Postfix and Exim take all of these without a word. */
static void
knows_what_is_plain(void)
{
	static const char *const plain[] = { "<>", "<a@b.test>",
		"<a.b-c+d=e/f@sub.b-c.test>", "<A_1@B>", "<a@b.test> SIZE=10",
		"<a@b.test> size=0 body=8BITMIME", "<a@b.test> BODY=7bit",
		"<a@b.test>\tSMTPUTF8", "<a@b.test> RET=hdrs ENVID=a+2Bb" };
	static const char *const odd[] = { "a@b.test", "<a>", "<@b>", "<a@>",
		"<a@b@c>", "<.a@b>", "<a..b@c>", "<a.@b>", "<a@.b>", "<a@b.>",
		"<a@b..c>", "<a@-b>", "<a@b->", "<a@b-.c>", "<a@b.-c>",
		"<a_b@c_d>", "<a%b@c>", "<a%@c>", "<b!a@c>", "<@x:a@b>",
		"<a@[192.0.2.1]>", "<\"a\"@b>", "<a b@c>", "<<a@b>>", "<a@b>x",
		"<a@b", "a@b>", "<\xc3\xa4@b>", "<a@\xc3\xa4>", "<a(x)@b>",
		"<a@b>SIZE=1", "<a@b> AUTH=<>", "<a@b> AUTH=x", "<a@b> FOO",
		"<a@b> FOO=1", "<a@b> x y", "<a@b> SIZE",
		"<a@b> SIZE=", "<a@b> SIZE=-1", "<a@b> SIZE=x",
		"<a@b> SIZE=1 SIZE=1", "<a@b> BODY", "<a@b> BODY=BINARYMIME",
		"<a@b> SMTPUTF8=1", "<a@b> RET", "<a@b> RET=x",
		"<a@b> ENVID=", "<a@b> ENVID=a=b", "<a@b> ENVID=a+2",
		"<a@b> ENVID=a+zz",
		"<a12345678901234567890123456789012345678901234567890123456789"
		"01234@b>" };
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		snprintf(text, sizeof(text), "FROM:%s", plain[i]);
		CHECK(reads(text));
		CHECK_STR(e.plain ? plain[i] : "odd", plain[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		snprintf(text, sizeof(text), "FROM:%s", odd[i]);
		CHECK(reads(text));
		CHECK_STR(e.plain ? "plain" : odd[i], odd[i]);
	}
}

static void
asks_about_what_is_not_offered(void)
{
	static const struct {
		const char *text;
		uint8_t offer;
	} row[] = {
		{ "FROM:<a@b> SIZE=7", ESMTP_SIZE },
		{ "FROM:<a@b> BODY=8BITMIME", ESMTP_8BITMIME },
		{ "FROM:<a@b> SMTPUTF8", ESMTP_UTF8 },
		{ "FROM:<a@b> RET=FULL", ESMTP_DSN },
		{ "FROM:<a@b> ENVID=x", ESMTP_DSN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		CHECK(envelope_read(row[i].text, strlen(row[i].text), "FROM",
		    row[i].offer, &e));
		CHECK(e.plain);
		CHECK(envelope_read(row[i].text, strlen(row[i].text), "FROM",
		    (uint8_t)~row[i].offer, &e));
		CHECK(!e.plain);
	}
	CHECK(reads("FROM:<a@b> SIZE=7"));
	CHECK_INT(e.size, 7);
}

static const struct check_case cases[] = {
	CASE(finds_the_path),
	CASE(knows_what_is_plain),
	CASE(asks_about_what_is_not_offered),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
