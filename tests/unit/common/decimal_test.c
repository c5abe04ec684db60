/* SPDX-License-Identifier: ISC */
#include "bin/common/decimal.h"

#include <errno.h>

#include "tests/helpers/check.h"

static int64_t number;

static int
parse(const char *s, int64_t min, int64_t max)
{
	number = -7777;
	return decimal_parse(s, strlen(s), min, max, &number);
}

static void
digits_are_a_number(void)
{
	CHECK_INT(parse("0", 0, 0), 0);
	CHECK_INT(number, 0);
	CHECK_INT(parse("1234567890", 0, INT64_MAX), 0);
	CHECK_INT(number, 1234567890);
	CHECK_INT(parse("-42", -100, 100), 0);
	CHECK_INT(number, -42);
	CHECK_INT(parse("007", 0, 9), 0);
	CHECK_INT(number, 7);
	/* Only so many bytes of it. */
	CHECK_INT(decimal_parse("123", 2, 0, 100, &number), 0);
	CHECK_INT(number, 12);
}

static void
anything_else_is_none(void)
{
	static const char *const none[] = { "", "-", "+1", " 1", "1 ", "1.0",
		"0x1", "--1", "1-", "1/", "1:", "99999999999999999999x" };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		CHECK_INT(parse(none[i], INT64_MIN, INT64_MAX), -EINVAL);
		CHECK_INT(number, -7777);
	}
}

static void
ranges_have_their_ends(void)
{
	CHECK_INT(parse("5", 5, 9), 0);
	CHECK_INT(parse("9", 5, 9), 0);
	CHECK_INT(parse("4", 5, 9), -ERANGE);
	CHECK_INT(parse("10", 5, 9), -ERANGE);
	CHECK_INT(parse("9223372036854775807", 0, INT64_MAX), 0);
	CHECK_INT(number, INT64_MAX);
	CHECK_INT(parse("9223372036854775808", 0, INT64_MAX), -ERANGE);
	CHECK_INT(parse("-9223372036854775808", INT64_MIN, 0), 0);
	CHECK(number == INT64_MIN);
	CHECK_INT(parse("-9223372036854775809", INT64_MIN, 0), -ERANGE);
	CHECK_INT(
	    parse("100000000000000000000", INT64_MIN, INT64_MAX), -ERANGE);
	CHECK_INT(parse("18446744073709551617", INT64_MIN, INT64_MAX), -ERANGE);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(digits_are_a_number),
		CASE(anything_else_is_none),
		CASE(ranges_have_their_ends),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
