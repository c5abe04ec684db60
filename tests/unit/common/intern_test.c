/* SPDX-License-Identifier: ISC */
#include "bin/common/intern.h"

#include "tests/helpers/check.h"

static struct intern in;

static uint32_t
put(const char *s)
{
	uint32_t number = intern_put(&in, s, strlen(s));

	CHECK(number != INTERN_NONE);
	return number;
}

static void
check_get(uint32_t number, const char *expected)
{
	size_t len = 0;
	const char *data = intern_get(&in, number, &len);

	CHECK_INT(len, strlen(expected));
	CHECK(memcmp(data, expected, len) == 0);
}

static void
equal_bytes_are_kept_once(void)
{
	uint32_t a, b;

	CHECK_INT(intern_init(&in), 0);
	a = put("hello");
	b = put("world");
	CHECK(a != b);
	CHECK_INT(put("hello"), a);
	CHECK_INT(in.used, 2);
	check_get(a, "hello");
	check_get(b, "world");
	intern_fini(&in);
}

static void
the_last_reference_frees(void)
{
	uint32_t a;

	CHECK_INT(intern_init(&in), 0);
	a = put("hello");
	CHECK_INT(put("hello"), a);
	intern_release(&in, a);
	check_get(a, "hello");
	intern_release(&in, a);
	CHECK_INT(in.used, 0);
	CHECK_INT(put("other"), a);
	check_get(a, "other");
	intern_fini(&in);
}

static void
none_is_nothing(void)
{
	size_t len = 7;

	CHECK_INT(intern_init(&in), 0);
	CHECK(intern_get(&in, INTERN_NONE, &len) == NULL);
	CHECK_INT(len, 0);
	intern_release(&in, INTERN_NONE);
	CHECK_INT(in.used, 0);
	intern_fini(&in);
}

static void
empty_and_binary_bytes_are_some(void)
{
	uint32_t empty, nul, two;
	size_t len;

	CHECK_INT(intern_init(&in), 0);
	empty = intern_put(&in, "", 0);
	nul = intern_put(&in, "\0", 1);
	two = intern_put(&in, "\0\0", 2);
	CHECK(empty != INTERN_NONE && nul != empty && two != nul);
	CHECK(intern_get(&in, empty, &len) != NULL);
	CHECK_INT(len, 0);
	CHECK_INT(((const char *)intern_get(&in, nul, &len))[0], 0);
	CHECK_INT(len, 1);
	intern_fini(&in);
}

static void
too_long_is_refused(void)
{
	static char data[INTERN_SIZE_MAX + 1];
	uint32_t number;
	size_t len;

	CHECK_INT(intern_init(&in), 0);
	CHECK_INT(intern_put(&in, data, INTERN_SIZE_MAX + 1), INTERN_NONE);
	CHECK_INT(in.used, 0);
	number = intern_put(&in, data, INTERN_SIZE_MAX);
	CHECK(number != INTERN_NONE);
	(void)intern_get(&in, number, &len);
	CHECK_INT(len, INTERN_SIZE_MAX);
	intern_fini(&in);
}

static void
bytes_are_aligned(void)
{
	size_t len;

	CHECK_INT(intern_init(&in), 0);
	for (int i = 0; i < 50; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%0*d", i, i);
		CHECK_INT((uintptr_t)intern_get(&in, put(text), &len) %
			_Alignof(max_align_t),
		    0);
	}
	intern_fini(&in);
}

/* Numbers stay, however many come and go after them. */
enum { MANY = 5000 };

static void
thousands_come_and_go(void)
{
	static uint32_t number[MANY];
	static unsigned int references[MANY];
	unsigned int seed = 7, used = 0;
	char text[32];

	CHECK_INT(intern_init(&in), 0);
	for (int i = 0; i < 200000; i++) {
		int k = rand_r(&seed) % MANY;

		snprintf(text, sizeof(text), "string %d", k);
		if (rand_r(&seed) % 2 == 0) {
			uint32_t got = put(text);

			CHECK(references[k] == 0 || got == number[k]);
			number[k] = got;
			used += references[k]++ == 0;
		} else if (references[k] > 0) {
			check_get(number[k], text);
			intern_release(&in, number[k]);
			used -= --references[k] == 0;
		}
		CHECK_INT(in.used, used);
	}
	for (int k = 0; k < MANY; k++)
		while (references[k]-- > 0)
			intern_release(&in, number[k]);
	CHECK_INT(in.used, 0);
	intern_fini(&in);
}

static const struct check_case cases[] = {
	CASE(equal_bytes_are_kept_once),
	CASE(the_last_reference_frees),
	CASE(none_is_nothing),
	CASE(empty_and_binary_bytes_are_some),
	CASE(too_long_is_refused),
	CASE(bytes_are_aligned),
	CASE(thousands_come_and_go),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
