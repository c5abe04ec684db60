/* SPDX-License-Identifier: ISC */
#include "bin/common/intern.h"

#include "tests/helpers/check.h"
#include "tests/helpers/collide.h"

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
			_Alignof(uint32_t),
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

/* Names that fell together under the hash of old: a search of n of them looked
 * at all n.  With a secret key about one is looked at, and the longest chain of
 * thousands is a handful. */
static void
names_made_to_collide_do_not(void)
{
	static struct collide c;
	static uint32_t number[COLLIDE_NAMES];
	char name[COLLIDE_LEN];
	uint32_t old = 0;

	collide_init(&c);
	CHECK_INT(intern_init(&in), 0);
	for (unsigned int i = 0; i < COLLIDE_NAMES; i++) {
		uint64_t before = in.steps;

		collide_name(&c, i, name);
		if (i == 0)
			old = collide_fnv(2166136261U, name, sizeof(name));
		CHECK(collide_fnv(2166136261U, name, sizeof(name)) == old);
		number[i] = intern_put(&in, name, sizeof(name));
		CHECK(number[i] != INTERN_NONE);
		CHECK(in.steps - before < 20);
	}
	CHECK_INT(in.used, COLLIDE_NAMES);
	CHECK(in.steps < 2 * COLLIDE_NAMES);
	for (unsigned int i = 0; i < COLLIDE_NAMES; i++)
		intern_release(&in, number[i]);
	CHECK_INT(in.used, 0);
	intern_fini(&in);
}

/* The table grows by a bucket at a time: no single put moves them all. */
static void
it_grows_bucket_by_bucket(void)
{
	char text[32];

	CHECK_INT(intern_init(&in), 0);
	for (int i = 0; i < 3000; i++) {
		uint32_t before = in.n_buckets;

		snprintf(text, sizeof(text), "string %d", i);
		(void)put(text);
		CHECK(in.n_buckets - before <= 1);
		CHECK(in.n_buckets >= in.used);
	}
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
	CASE(names_made_to_collide_do_not),
	CASE(it_grows_bucket_by_bucket),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
