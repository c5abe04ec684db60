/* SPDX-License-Identifier: ISC */
#include "policy/history_table.h"

#include <errno.h>

#include "bin/common/util.h"
#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"

enum { NOW = 1000000, LIFE = 1000 };

static const struct history_fading fading = {
	.half_life = { LIFE, LIFE, LIFE, LIFE },
};
static struct history_table *table;
static size_t n_gone, n_seen;
static uint64_t sum;

static struct history_key
host(uint64_t bits)
{
	return (struct history_key){ .bits = bits, .scope = HISTORY_V4_HOST };
}

/* A record of BITS, from WHEN on; whether another had to go. */
static bool
put(uint64_t bits, uint32_t when)
{
	struct history_key key = host(bits);
	struct history_record gone,
	    *rec = history_table_put(table, &fading, &key, &gone);

	CHECK(rec != NULL);
	CHECK(rec->bits == bits && rec->scope == HISTORY_V4_HOST);
	CHECK(history_add(rec, &fading, HISTORY_PATIENT, when));
	return gone.scope != HISTORY_NOBODY;
}

static bool
has(uint64_t bits)
{
	struct history_key key = host(bits);

	return history_table_find(table, &key) != NULL;
}

static void
on_gone(void *arg, const struct history_record *rec)
{
	CHECK(arg == &n_gone);
	CHECK(rec->scope == HISTORY_V4_HOST);
	n_gone++;
}

static void
on_record(void *arg, struct history_record *rec)
{
	CHECK(arg == &n_seen);
	n_seen++;
	sum += rec->bits;
}

static void
sizes_are_powers_of_two(void)
{
	static const size_t max[] = { 0, 1000, 1024, 1025 };
	size_t least = 0;

	for (size_t i = 0; i < ARRAY_SIZE(max); i++) {
		size_t size;

		CHECK_INT(history_table_new(max[i], &table), 0);
		size = history_table_size(table);
		CHECK(size >= max[i] && (size & (size - 1)) == 0);
		least = i == 0 ? size : least;
		if (max[i] > least)
			CHECK(size < 2 * max[i]);
		CHECK_INT(history_table_used(table), 0);
		table = history_table_free(table);
	}
}

static void
kinds_of_keys_are_told_apart(void)
{
	struct history_key net = { .bits = 7, .scope = HISTORY_V4_NET };
	struct history_record gone, *rec;

	CHECK_INT(history_table_new(1024, &table), 0);
	CHECK(!put(7, NOW));
	CHECK(history_table_find(table, &net) == NULL);
	rec = history_table_put(table, &fading, &net, &gone);
	CHECK_INT(rec->scope, HISTORY_V4_NET);
	CHECK_INT(rec->when[HISTORY_PATIENT], 0);
	CHECK_INT(history_table_used(table), 2);
	/* The same once more is the same. */
	CHECK(!put(7, NOW));
	CHECK_INT(history_table_used(table), 2);
	CHECK(has(7) && !has(8));
	table = history_table_free(table);
}

static void
what_fades_first_makes_room(void)
{
	size_t size, kept = 0, went = 0;

	CHECK_INT(history_table_new(64, &table), 0);
	size = history_table_size(table);
	for (uint64_t i = 1; i <= 8 * size; i++) {
		went += put(i, NOW + (uint32_t)i);
		CHECK(has(i));
	}
	CHECK_INT(history_table_used(table), 8 * size - went);
	CHECK(history_table_used(table) <= size);
	for (uint64_t i = 1; i <= 8 * size; i++)
		kept += has(i);
	CHECK_INT(kept, history_table_used(table));
	/* Those are the latest, by and large: none of the first half. */
	for (uint64_t i = 1; i <= 2 * size; i++)
		CHECK(!has(i));
	n_seen = 0;
	history_table_walk(table, on_record, &n_seen);
	CHECK_INT(n_seen, kept);
	table = history_table_free(table);
}

static void
a_sweep_empties_what_has_faded(void)
{
	size_t size;

	CHECK_INT(history_table_new(1024, &table), 0);
	size = history_table_size(table);
	for (uint64_t i = 1; i <= 100; i++)
		(void)put(i, i <= 40 ? NOW : NOW + 10);
	CHECK_INT(history_table_used(table), 100);
	n_gone = 0;
	history_table_sweep(
	    table, &fading, size, NOW + LIFE - 1, on_gone, &n_gone);
	CHECK_INT(n_gone, 0);
	/* By halves, each place once. */
	history_table_sweep(
	    table, &fading, size / 2, NOW + LIFE, on_gone, &n_gone);
	CHECK(n_gone > 0 && n_gone < 40);
	history_table_sweep(
	    table, &fading, size / 2, NOW + LIFE, on_gone, &n_gone);
	CHECK_INT(n_gone, 40);
	CHECK_INT(history_table_used(table), 60);
	CHECK(!has(40) && has(41));
	n_seen = sum = 0;
	history_table_walk(table, on_record, &n_seen);
	CHECK_INT(n_seen, 60);
	CHECK_INT(sum, 100 * 101 / 2 - 40 * 41 / 2);
	table = history_table_free(table);
}

static int
new_again(void)
{
	return history_table_new(1024, &table);
}

static void
nothing_is_left_behind(void)
{
	long live = memory_live;

	CHECK_MEMORY(new_again());
	table = history_table_free(table);
	CHECK(history_table_free(NULL) == NULL);
	CHECK_INT(memory_live, live);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(sizes_are_powers_of_two),
		CASE(kinds_of_keys_are_told_apart),
		CASE(what_fades_first_makes_room),
		CASE(a_sweep_empties_what_has_faded),
		CASE(nothing_is_left_behind),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
