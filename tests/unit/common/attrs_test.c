/* SPDX-License-Identifier: ISC */
#include "bin/common/attrs.h"

#include <errno.h>

#include "tests/helpers/check.h"

#define MESSAGE(s) (s), sizeof(s) - 1

static void
end_of_whole_message(void)
{
	size_t len = 99;

	CHECK_INT(attrs_find_end(MESSAGE("a=b\nc=d\n\n"), &len), 0);
	CHECK_INT(len, 9);
	/* Only the first of two. */
	CHECK_INT(attrs_find_end(MESSAGE("a=b\n\nc=d\n\n"), &len), 0);
	CHECK_INT(len, 5);
}

static void
end_of_lone_empty_line(void)
{
	const char *pos = "\n";
	struct attr a;
	size_t len;

	CHECK_INT(attrs_find_end(MESSAGE("\na=b\n\n"), &len), 0);
	CHECK_INT(len, 1);
	CHECK_INT(attrs_next(&pos, pos + 1, &a), 0);
}

static void
end_comes_byte_by_byte(void)
{
	static const char message[] = "name=value\nx=\n\n";
	size_t len = 99;

	for (size_t n = 0; n < sizeof(message) - 1; n++) {
		CHECK_INT(attrs_find_end(message, n, &len), -EAGAIN);
		CHECK_INT(len, 99); /* set only on success */
	}
	CHECK_INT(attrs_find_end(message, sizeof(message) - 1, &len), 0);
	CHECK_INT(len, sizeof(message) - 1);
}

static void
end_at_the_limit(void)
{
	static char buf[ATTRS_MAX + 2];
	size_t len;

	memset(buf, 'x', sizeof(buf));
	CHECK_INT(attrs_find_end(buf, ATTRS_MAX - 1, &len), -EAGAIN);
	CHECK_INT(attrs_find_end(buf, ATTRS_MAX, &len), -EMSGSIZE);
	/* The last two bytes that may end it, and one later. */
	buf[ATTRS_MAX - 2] = buf[ATTRS_MAX - 1] = '\n';
	CHECK_INT(attrs_find_end(buf, sizeof(buf), &len), 0);
	CHECK_INT(len, ATTRS_MAX);
	buf[ATTRS_MAX - 2] = 'x';
	buf[ATTRS_MAX] = '\n';
	CHECK_INT(attrs_find_end(buf, sizeof(buf), &len), -EMSGSIZE);
}

static void
next_gives_slices(void)
{
	static const char message[] = "request=x\nempty=\nv=a=b=c\r\n\n";
	const char *pos = message, *end = message + sizeof(message) - 1;
	struct attr a;
	char value[16];

	CHECK_INT(attrs_next(&pos, end, &a), 1);
	CHECK(attr_is(&a, "request"));
	CHECK(a.value_len == 1 && a.value[0] == 'x');
	CHECK_INT(attrs_next(&pos, end, &a), 1);
	CHECK(attr_is(&a, "empty"));
	CHECK_INT(a.value_len, 0);
	CHECK_INT(attrs_next(&pos, end, &a), 1);
	CHECK(attr_is(&a, "v"));
	CHECK_INT(attr_str(&a, value, sizeof(value)), 0);
	CHECK_STR(value, "a=b=c\r"); /* a CR belongs to the value */
	CHECK_INT(attrs_next(&pos, end, &a), 0);
	CHECK_INT(attrs_next(&pos, end, &a), 0);
}

static void
next_refuses_bad_lines(void)
{
	static const char message[] = "novalue\n=noname\na=\0b\nc=d\nunended=";
	const char *pos = message, *end = message + sizeof(message) - 1;
	struct attr a = { 0 };

	CHECK_INT(attrs_next(&pos, end, &a), -EBADMSG);
	CHECK_INT(attrs_next(&pos, end, &a), -EBADMSG);
	CHECK_INT(attrs_next(&pos, end, &a), -EBADMSG);
	CHECK(a.name == NULL);
	/* The walk may go on behind a bad line. */
	CHECK_INT(attrs_next(&pos, end, &a), 1);
	CHECK(attr_is(&a, "c"));
	CHECK_INT(attrs_next(&pos, end, &a), -EBADMSG);
	CHECK_INT(attrs_next(&pos, end, &a), 0);
}

static void
is_compares_whole_names(void)
{
	struct attr a = { .name = "client_address=", .name_len = 14 };

	CHECK(attr_is(&a, "client_address"));
	CHECK(!attr_is(&a, "client"));
	CHECK(!attr_is(&a, "client_address_"));
	CHECK(!attr_is(&a, ""));
	CHECK(!attr_is(&a, "Client_address"));
}

static int
parse(const char *value, int64_t min, int64_t max, int64_t *ret)
{
	struct attr a = { .value = value, .value_len = strlen(value) };

	return attr_int(&a, min, max, ret);
}

static void
int_at_limits(void)
{
	int64_t n = 0;

	CHECK_INT(parse("0", 0, 65535, &n), 0);
	CHECK_INT(n, 0);
	CHECK_INT(parse("65535", 0, 65535, &n), 0);
	CHECK_INT(n, 65535);
	CHECK_INT(parse("65536", 0, 65535, &n), -ERANGE);
	CHECK_INT(parse("-1", 0, 65535, &n), -ERANGE);
	CHECK_INT(parse("-1000", -1000, 0, &n), 0);
	CHECK_INT(n, -1000);
	CHECK_INT(parse("9223372036854775807", INT64_MIN, INT64_MAX, &n), 0);
	CHECK(n == INT64_MAX);
	CHECK_INT(parse("-9223372036854775808", INT64_MIN, INT64_MAX, &n), 0);
	CHECK(n == INT64_MIN);
	CHECK_INT(
	    parse("9223372036854775808", INT64_MIN, INT64_MAX, &n), -ERANGE);
	CHECK_INT(
	    parse("-9223372036854775809", INT64_MIN, INT64_MAX, &n), -ERANGE);
	CHECK_INT(parse("99999999999999999999999999", INT64_MIN, INT64_MAX, &n),
	    -ERANGE);
	CHECK(n == INT64_MIN);
}

static void
int_refuses_what_is_none(void)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1.0",
		"0x10", "1e3", "--1", "1\r", "99999999999999999999999x" };
	int64_t n = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(parse(bad[i], INT64_MIN, INT64_MAX, &n), -EINVAL);
	CHECK_INT(n, 7);
}

static void
str_at_the_limit(void)
{
	struct attr a = { .value = "abcdef", .value_len = 4 };
	char buf[5] = "....";

	CHECK_INT(attr_str(&a, buf, 4), -EMSGSIZE);
	CHECK_STR(buf, "....");
	CHECK_INT(attr_str(&a, buf, 0), -EMSGSIZE);
	CHECK_INT(attr_str(&a, buf, 5), 0);
	CHECK_STR(buf, "abcd");
}

static void
put_builds_a_message(void)
{
	struct attrs_out out;
	char buf[128];

	attrs_begin(&out, buf, sizeof(buf));
	attrs_put(&out, "request", "tarpit_session");
	attrs_put(&out, "empty", "");
	attrs_put_n(&out, "slice", "abcdef", 3);
	attrs_put_int(&out, "score", -1000);
	attrs_put_int(&out, "least", INT64_MIN);
	CHECK_INT(attrs_end(&out), 0);
	buf[out.len] = '\0';
	CHECK_STR(buf,
	    "request=tarpit_session\nempty=\nslice=abc\nscore=-1000\n"
	    "least=-9223372036854775808\n\n");
}

static void
put_fits_exactly(void)
{
	struct attrs_out out;
	char buf[6] = "";

	attrs_begin(&out, buf, 5);
	attrs_put(&out, "a", "b");
	CHECK_INT(attrs_end(&out), 0);
	CHECK_INT(out.len, 5);
	CHECK_STR(buf, "a=b\n\n");

	attrs_begin(&out, buf, 4); /* no room for the empty line */
	attrs_put(&out, "a", "b");
	CHECK_INT(attrs_end(&out), -EMSGSIZE);
	CHECK_INT(out.len, 0);

	attrs_begin(&out, buf, 3);
	attrs_put(&out, "a", "b");
	attrs_put(&out, "c", ""); /* would fit: the error is kept */
	CHECK_INT(out.len, 0);
	CHECK_INT(attrs_end(&out), -EMSGSIZE);

	attrs_begin(&out, buf, 2); /* room for the name and '=' alone */
	attrs_put(&out, "a", "");
	CHECK_INT(attrs_end(&out), -EMSGSIZE);

	attrs_begin(&out, buf, 0);
	CHECK_INT(attrs_end(&out), -EMSGSIZE);
}

static void
put_refuses_what_would_break_the_message(void)
{
	static const struct {
		const char *name, *value;
		size_t len;
	} bad[] = {
		{ "a", "b\nc", 3 },
		{ "a", "\n", 1 },
		{ "a", "b\0c", 3 },
		{ "", "b", 1 },
		{ "a=", "b", 1 },
		{ "a\n", "b", 1 },
	};
	struct attrs_out out;
	char buf[64];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		attrs_begin(&out, buf, sizeof(buf));
		attrs_put(&out, "good", "1");
		attrs_put_n(&out, bad[i].name, bad[i].value, bad[i].len);
		attrs_put(&out, "good", "2");
		CHECK_INT(attrs_end(&out), -EINVAL);
		CHECK_INT(out.len, 0);
	}
}

static void
what_is_put_is_read_back(void)
{
	char buf[64], value[32];
	const char *pos = buf;
	struct attrs_out out;
	struct attr a;
	size_t len;

	attrs_begin(&out, buf, sizeof(buf));
	attrs_put(&out, "reason", "list.drop+100 country.CN+15=");
	CHECK_INT(attrs_end(&out), 0);
	CHECK_INT(attrs_find_end(buf, out.len, &len), 0);
	CHECK_INT(len, out.len);
	CHECK_INT(attrs_next(&pos, buf + len, &a), 1);
	CHECK_INT(attr_str(&a, value, sizeof(value)), 0);
	CHECK_STR(value, "list.drop+100 country.CN+15=");
	CHECK_INT(attrs_next(&pos, buf + len, &a), 0);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(end_of_whole_message),
		CASE(end_of_lone_empty_line),
		CASE(end_comes_byte_by_byte),
		CASE(end_at_the_limit),
		CASE(next_gives_slices),
		CASE(next_refuses_bad_lines),
		CASE(is_compares_whole_names),
		CASE(int_at_limits),
		CASE(int_refuses_what_is_none),
		CASE(str_at_the_limit),
		CASE(put_builds_a_message),
		CASE(put_fits_exactly),
		CASE(put_refuses_what_would_break_the_message),
		CASE(what_is_put_is_read_back),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
