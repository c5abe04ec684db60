/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/spool.h"

#include <errno.h>

#include "tests/helpers/scratch.h"

static struct spool_store store;
static char block[65536];

static void
start(uint64_t memory, uint64_t total)
{
	store = (struct spool_store){ .directory = scratch_path(""),
		.memory_max = memory,
		.total_max = total };
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 7);
}

static void
check_content(const struct spool *s, uint64_t size)
{
	char buf[1000];
	uint64_t at = 0;
	ssize_t n;

	CHECK_INT(s->size, size);
	while ((n = spool_read(s, at, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			CHECK(buf[i] ==
			    block[(at + (uint64_t)i) % sizeof(block)]);
		at += (uint64_t)n;
	}
	CHECK_INT(n, 0);
	CHECK_INT(at, size);
}

static void
is_in_memory_while_there_is_any(void)
{
	struct spool s = { 0 };

	start(1 << 20, 1 << 30);
	CHECK_INT(spool_append(&store, &s, block, 100), 0);
	CHECK_INT(spool_append(&store, &s, block + 100, 9900), 0);
	CHECK_INT(s.file, 0);
	check_content(&s, 10000);
	CHECK(store.memory_used >= 10000 && store.memory_used <= 20000);
	spool_drop(&store, &s);
	CHECK_INT(store.memory_used, 0);
}

static void
moves_to_a_file_when_large(void)
{
	struct spool s = { 0 };

	start(UINT64_C(1) << 30, UINT64_C(1) << 31);
	for (int i = 0; i < 40; i++)
		CHECK_INT(spool_append(&store, &s, block, sizeof(block)), 0);
	CHECK(s.file != 0);
	CHECK_INT(store.memory_used, 0);
	CHECK_INT(store.file_used, 40 * sizeof(block));
	check_content(&s, 40 * sizeof(block));
	spool_drop(&store, &s);
	CHECK_INT(store.file_used, 0);
}

static void
moves_to_a_file_when_memory_is_short(void)
{
	struct spool a = { 0 }, b = { 0 };

	start(8192, 1 << 30);
	CHECK_INT(spool_append(&store, &a, block, 5000), 0);
	CHECK_INT(a.file, 0);
	CHECK_INT(spool_append(&store, &b, block, 5000), 0);
	CHECK(b.file != 0);
	check_content(&a, 5000);
	check_content(&b, 5000);
	spool_drop(&store, &a);
	spool_drop(&store, &b);
	CHECK_INT(store.memory_used + store.file_used, 0);
}

static void
says_when_it_is_full(void)
{
	struct spool a = { 0 }, b = { 0 };

	start(0, 100000);
	CHECK_INT(spool_append(&store, &a, block, 60000), 0);
	CHECK_INT(spool_append(&store, &b, block, 60000), -ENOSPC);
	check_content(&a, 60000);
	spool_drop(&store, &b);
	CHECK_INT(spool_append(&store, &a, block + 60000, 5000), 0);
	spool_drop(&store, &a);
	CHECK_INT(spool_append(&store, &b, block, 60000), 0);
	spool_drop(&store, &b);
}

static void
says_when_there_is_no_directory(void)
{
	struct spool s = { 0 };

	store = (struct spool_store){ .directory = "/nonexistent",
		.total_max = 100000 };
	CHECK_INT(spool_append(&store, &s, block, 10), -ENOENT);
	spool_drop(&store, &s);
	CHECK_INT(store.memory_used + store.file_used, 0);
}

/* What is not named is memory, whatever its size. */
static void
needs_no_directory(void)
{
	struct spool s = { 0 };

	start(0, UINT64_C(1) << 31);
	free((void *)(uintptr_t)store.directory);
	store.directory = NULL;
	for (int i = 0; i < 40; i++)
		CHECK_INT(spool_append(&store, &s, block, sizeof(block)), 0);
	CHECK(s.file != 0);
	check_content(&s, 40 * sizeof(block));
	spool_drop(&store, &s);
	CHECK_INT(store.file_used, 0);
}

static void
a_disk_is_not_prompt(void)
{
	CHECK(spool_is_prompt("/dev/shm"));
	CHECK(!spool_is_prompt("/proc"));
	CHECK(!spool_is_prompt("/nonexistent"));
}

static const struct check_case cases[] = {
	CASE(is_in_memory_while_there_is_any),
	CASE(moves_to_a_file_when_large),
	CASE(moves_to_a_file_when_memory_is_short),
	CASE(says_when_it_is_full),
	CASE(says_when_there_is_no_directory),
	CASE(needs_no_directory),
	CASE(a_disk_is_not_prompt),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
