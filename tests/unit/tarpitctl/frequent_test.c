/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/frequent.h"

#include "tests/helpers/check.h"

enum { KEYS = 5000 };

static uint64_t
next_random(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return *x >> 33;
}

static void
exact_while_all_fit(void)
{
	const struct frequent_entry *list[4];
	struct frequent t;

	CHECK_INT(frequent_init(&t, 3), 0);
	for (int i = 0; i < 6; i++) {
		frequent_add(&t, "six", NULL);
		if (i < 4)
			frequent_add(&t, "four", NULL);
		if (i < 1)
			frequent_add(&t, "one", NULL);
	}
	CHECK_INT(frequent_list(&t, list, 4), 3);
	CHECK_STR(list[0]->key, "six");
	CHECK_INT(list[0]->count, 6);
	CHECK_STR(list[1]->key, "four");
	CHECK_INT(list[1]->count, 4);
	CHECK_STR(list[2]->key, "one");
	CHECK_INT(list[2]->count, 1);
	CHECK_INT(frequent_error(&t), 0);
	CHECK_INT(t.added, 11);
	frequent_fini(&t);
}

static void
equal_counts_are_listed_by_key(void)
{
	const struct frequent_entry *list[2];
	struct frequent t;

	CHECK_INT(frequent_init(&t, 8), 0);
	frequent_add(&t, "c", NULL);
	frequent_add(&t, "a", NULL);
	frequent_add(&t, "b", NULL);
	CHECK_INT(frequent_list(&t, list, 2), 2);
	CHECK_STR(list[0]->key, "a");
	CHECK_STR(list[1]->key, "b");
	frequent_fini(&t);
}

static void
a_newcomer_takes_the_least_ones_place(void)
{
	const struct frequent_entry *list[2];
	struct frequent_entry *e;
	struct frequent t;
	bool fresh;

	CHECK_INT(frequent_init(&t, 2), 0);
	for (int i = 0; i < 5; i++)
		frequent_add(&t, "often", NULL);
	for (int i = 0; i < 3; i++)
		frequent_add(&t, "seldom", NULL)->sum[0]++;
	e = frequent_add(&t, "new", &fresh);
	CHECK(fresh);
	CHECK_STR(e->key, "new");
	CHECK_INT(e->count, 4);
	CHECK_INT(e->error, 3);
	CHECK_INT(e->sum[0], 0);
	CHECK_INT(frequent_error(&t), 3);
	frequent_add(&t, "new", &fresh);
	CHECK(!fresh);
	CHECK_INT(frequent_list(&t, list, 2), 2);
	CHECK_STR(list[0]->key, "new");
	CHECK_INT(list[0]->count, 5);
	CHECK_STR(list[1]->key, "often");
	frequent_fini(&t);
}

static void
check_bounds(const struct frequent *t, const uint64_t *truth)
{
	static bool listed[KEYS];

	for (uint32_t i = 0; i < t->n; i++) {
		const struct frequent_entry *e = &t->entry[i];
		int key = atoi(e->key);

		listed[key] = true;
		CHECK(e->count >= truth[key]);
		CHECK(e->count - e->error <= truth[key]);
		CHECK(e->error <= t->added / t->size);
	}
	for (int key = 0; key < KEYS; key++)
		CHECK(listed[key] || truth[key] <= t->added / t->size);
}

/* The bounds of the paper, on a stream with few frequent keys and thousands of
 * rare ones, which keep pushing each other out. */
static void
the_bounds_hold_in_a_skewed_stream(void)
{
	static uint64_t truth[KEYS];
	uint64_t x = 1, pushed_out = 0;
	struct frequent t;

	CHECK_INT(frequent_init(&t, 100), 0);
	for (int i = 0; i < 200000; i++) {
		uint64_t r = next_random(&x) % KEYS;
		uint64_t key = next_random(&x) % (r + 1);
		char text[16];
		bool fresh;

		key = next_random(&x) % (key + 1);
		truth[key]++;
		snprintf(text, sizeof(text), "%llu", (unsigned long long)key);
		frequent_add(&t, text, &fresh);
		pushed_out += fresh;
	}
	CHECK(pushed_out > 1000);
	CHECK_INT(t.added, 200000);
	check_bounds(&t, truth);
	frequent_fini(&t);
}

static void
long_keys_are_cut(void)
{
	char key[200];
	struct frequent_entry *e;
	struct frequent t;

	memset(key, 'x', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	CHECK_INT(frequent_init(&t, 2), 0);
	e = frequent_add(&t, key, NULL);
	CHECK_INT(strlen(e->key), FREQUENT_KEY_SIZE - 1);
	key[FREQUENT_KEY_SIZE + 5] = 'y';
	CHECK_INT(frequent_add(&t, key, NULL)->count, 2);
	CHECK_INT(frequent_add(&t, "", NULL)->count, 1);
	frequent_fini(&t);
}

static const struct check_case cases[] = {
	CASE(exact_while_all_fit),
	CASE(equal_counts_are_listed_by_key),
	CASE(a_newcomer_takes_the_least_ones_place),
	CASE(the_bounds_hold_in_a_skewed_stream),
	CASE(long_keys_are_cut),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
