/* SPDX-License-Identifier: ISC */
#include "policy/dns_message.h"

#include <errno.h>

#include "data/cidr.h"
#include "tests/helpers/check.h"

/* The header with its flags and counts, and the question a.b for TYPE. */
#define HEADER(rcode, answers, authority) \
	"\x12\x34\x81" rcode "\0\1\0" answers "\0" authority "\0\0"
#define QUESTION "\1A\1b\0\0\1\0\1"
/* A record of a.b, by a pointer to the question. */
#define RR(type, ttl, len) "\xc0\x0c\0" type "\0\1\0\0" ttl "\0" len

static int
read_message(
    const char *text, size_t size, enum dns_type type, struct dns_answer *ret)
{
	return dns_message_read((const uint8_t *)text, size, type, ret);
}

#define READ(text, type, ret) read_message(text, sizeof(text) - 1, type, ret)

static void
addresses(void)
{
	struct dns_answer a;
	char text[CIDR_STRLEN];

	CHECK_INT(
	    READ(HEADER("\x80", "\2", "\0") QUESTION RR("\1", "\0\x3c",
		     "\4") "\x7f\0\0\2" RR("\1", "\0\x1e", "\4") "\x7f\0\0\x0a",
		DNS_A, &a),
	    0);
	CHECK_INT(a.status, DNS_FOUND);
	CHECK_INT(a.n, 2);
	CHECK_INT(a.ttl, 30);
	CHECK_STR(cidr_format_addr(&a.address[1], text), "127.0.0.10");
}

static void
names(void)
{
	struct dns_answer a;

	CHECK_INT(READ(HEADER("\x80", "\1", "\0") QUESTION RR(
			   "\x0c", "\0\x3c", "\7") "\4M\x1bX9\xc0\x0e",
		      DNS_PTR, &a),
	    0);
	CHECK_INT(a.n, 1);
	CHECK_STR(a.name[0], "m?x9.b");
}

static void
nothing_for_how_long(void)
{
	struct dns_answer a;

	CHECK_INT(READ(HEADER("\x83", "\0", "\1") QUESTION RR("\6", "\1\0",
			   "\x16") "\0\0"
				   "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x2d",
		      DNS_A, &a),
	    0);
	CHECK_INT(a.status, DNS_NOTHING);
	CHECK_INT(a.ttl, 45);
	CHECK_INT(READ(HEADER("\x83", "\0", "\0") QUESTION, DNS_A, &a), 0);
	CHECK_INT(a.status, DNS_NOTHING);
	CHECK_INT(a.ttl, 0);
}

static void
failures(void)
{
	struct dns_answer a;

	CHECK_INT(READ(HEADER("\x82", "\0", "\0") QUESTION, DNS_A, &a), 0);
	CHECK_INT(a.status, DNS_FAILED);
	CHECK_INT(READ(HEADER("\x85", "\0", "\0") QUESTION, DNS_A, &a), 0);
	CHECK_INT(a.status, DNS_FAILED);
}

static void
damaged_messages(void)
{
	static const char whole[] = HEADER("\x80", "\1", "\0")
	    QUESTION RR("\1", "\0\x3c", "\4") "\x7f\0\0\2";
	struct dns_answer a;

	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		CHECK_INT(read_message(whole, n, DNS_A, &a), -EBADMSG);
	/* A name that points to itself. */
	CHECK_INT(
	    READ(HEADER("\x80", "\1", "\0") "\xc0\x0c\0\1\0\1", DNS_A, &a),
	    -EBADMSG);
	/* An address of five bytes. */
	CHECK_INT(READ(HEADER("\x80", "\1", "\0")
			   QUESTION RR("\1", "\0\x3c", "\5") "\x7f\0\0\2\2",
		      DNS_A, &a),
	    -EBADMSG);
}

static const struct check_case cases[] = {
	CASE(addresses),
	CASE(names),
	CASE(nothing_for_how_long),
	CASE(failures),
	CASE(damaged_messages),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
