/* SPDX-License-Identifier: ISC */
/* name=value messages: what is found lies within the message, what was read can
 * be written, and reads the same again. */
#include "bin/common/attrs.h"

#include <errno.h>

#include "tests/helpers/fuzz.h"

static void
check_numbers(const struct attr *a)
{
	int64_t n;
	char text[32];

	if (attr_int(a, -100, 100000, &n) == 0)
		REQUIRE(n >= -100 && n <= 100000);
	if (attr_str(a, text, sizeof(text)) == 0)
		REQUIRE(strlen(text) == a->value_len);
	else
		REQUIRE(a->value_len >= sizeof(text));
}

/* Writes A as a message of its own, in which it is found again. */
static void
check_round_trip(const struct attr *a)
{
	AUTO_FREE char *name = strndup(a->name, a->name_len);
	AUTO_FREE char *buf = malloc(ATTRS_MAX);
	struct attrs_out out;
	struct attr again;
	const char *pos = buf;
	size_t len;

	REQUIRE(name != NULL && buf != NULL);
	attrs_begin(&out, buf, ATTRS_MAX);
	attrs_put_n(&out, name, a->value, a->value_len);
	/* Of ATTRS_MAX bytes with its empty line, so it fits again. */
	REQUIRE(attrs_end(&out) == 0);
	REQUIRE(attrs_find_end(buf, out.len, &len) == 0 && len == out.len);
	REQUIRE(attrs_next(&pos, buf + len, &again) == 1);
	REQUIRE(again.name_len == a->name_len);
	REQUIRE(memcmp(again.name, a->name, a->name_len) == 0);
	REQUIRE(again.value_len == a->value_len);
	REQUIRE(memcmp(again.value, a->value, a->value_len) == 0);
	REQUIRE(attrs_next(&pos, buf + len, &again) == 0);
}

static void
walk(const char *msg, size_t len)
{
	const char *pos = msg, *end = msg + len, *before = pos;
	struct attr a;
	int r;

	while ((r = attrs_next(&pos, end, &a)) != 0) {
		REQUIRE(pos > before && pos <= end);
		before = pos;
		REQUIRE(r == 1 || r == -EBADMSG);
		if (r < 0)
			continue;
		REQUIRE(a.name_len > 0 && a.name >= msg);
		REQUIRE(a.value + a.value_len < end);
		REQUIRE(memchr(a.name, '=', a.name_len) == NULL);
		REQUIRE(memchr(a.value, '\0', a.value_len) == NULL);
		check_numbers(&a);
		check_round_trip(&a);
	}
}

/* A value that nobody has read, into a buffer of any size. */
static void
check_encoding(const uint8_t *data, size_t size)
{
	size_t room = data[0];
	AUTO_FREE char *buf = malloc(room + 1);
	struct attrs_out out;
	size_t len;
	int r;

	REQUIRE(buf != NULL);
	attrs_begin(&out, buf, room);
	attrs_put_n(&out, "value", (const char *)data + 1, size - 1);
	attrs_put_int(&out, "n", (int64_t)size - 8);
	r = attrs_end(&out);
	REQUIRE(r == 0 || r == -EMSGSIZE || r == -EINVAL);
	REQUIRE(r == 0 ? out.len <= room : out.len == 0);
	if (r == 0)
		REQUIRE(
		    attrs_find_end(buf, out.len, &len) == 0 && len == out.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *copy = fuzz_copy(data, size);
	const char *msg = copy;
	size_t left = size, len;
	int r;

	while ((r = attrs_find_end(msg, left, &len)) == 0) {
		REQUIRE(len > 0 && len <= left && len <= ATTRS_MAX);
		walk(msg, len);
		msg += len;
		left -= len;
	}
	REQUIRE(r == (left < ATTRS_MAX ? -EAGAIN : -EMSGSIZE));
	walk(msg, left);
	if (size > 0)
		check_encoding(data, size);
	return 0;
}
