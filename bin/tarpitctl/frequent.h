#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The most frequent keys of a stream in bounded memory: Space-Saving (Metwally,
 * Agrawal, El Abbadi, ICDT 2005).  With M entries and N additions, every key
 * that was added more than N/M times is there, no count is too low, and none
 * is too high by more than its `error`, which is at most N/M.  As long as no
 * more than M different keys have come, all counts are exact.  Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/siphash.h"
#include "bin/common/util.h"

/* Longer keys are cut. */
enum { FREQUENT_KEY_SIZE = 64, FREQUENT_SUMS = 3 };

struct frequent_entry {
	char key[FREQUENT_KEY_SIZE];
	uint64_t count;
	uint64_t error; /* how much of `count` may be others' */
	/* The caller's, zero when an entry becomes another key's: sums over
	 * what has been added since, that is over at least count - error. */
	uint64_t sum[FREQUENT_SUMS];
	uint32_t next; /* in its bucket */
	uint32_t heap; /* its place in the heap */
};

struct frequent {
	uint32_t size, n;
	uint64_t added;
	struct frequent_entry *entry;
	uint32_t *heap;   /* entries by count, the least first */
	uint32_t *bucket; /* heads of the chains */
	uint32_t n_buckets;
	struct siphash_key key;
};

/* Room for SIZE (> 0) keys; 0 or -errno. */
int frequent_init(struct frequent *, uint32_t size) MUST_CHECK;
void frequent_fini(struct frequent *);

/* One more of KEY: its entry, good until the next call.  *RET_FRESH (may be
 * NULL): the entry was somebody else's, or nobody's, until now. */
struct frequent_entry *frequent_add(
    struct frequent *, const char *key, bool *ret_fresh);

/* The index of an entry, in [0, size): for what the caller keeps besides. */
size_t frequent_index(const struct frequent *, const struct frequent_entry *);

/* Writes up to N entries, the most frequent first and equal ones by key, to
 * RET; how many. */
size_t frequent_list(
    const struct frequent *, const struct frequent_entry **ret, size_t n);

/* By how much counts may be too high: 0 unless keys were put out. */
uint64_t frequent_error(const struct frequent *);
