#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Interned bytes: equal ones are kept once, counted, and named by a number.
 * Thousands of sessions share a few dozen verdicts; a number is also plain
 * data, which can be written elsewhere and read back.  For what is shared: a
 * text that one session has alone costs a hash and a search for nothing.
 *
 * Whatever is put, an entry costs the same: the hash is keyed, chains have one
 * entry on average, are linked both ways, and the table grows by one chain at
 * a time, never all at once.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/siphash.h"
#include "bin/common/util.h"

/* The number of nothing at all; interned by nobody, released for free. */
enum { INTERN_NONE = 0, INTERN_SIZE_MAX = 65535 };

struct interned;

struct intern {
	struct siphash_key key;
	uint32_t *bucket; /* heads of the chains */
	uint32_t n_buckets, room;
	struct interned **slot; /* by number; [0] is INTERN_NONE */
	uint32_t n_slots, high; /* slots there are; those ever used */
	uint32_t used;          /* entries in use */
	uint32_t free;          /* head of the chain of slots free again */
	size_t bytes;           /* of memory that all entries take, about */
	uint64_t steps;         /* entries looked at by searches, so far */
};

/* 0 or -errno. */
int intern_init(struct intern *) MUST_CHECK;
void intern_fini(struct intern *);

/* One more reference to the LEN bytes at DATA: their number, or INTERN_NONE if
 * there is no memory or LEN is over INTERN_SIZE_MAX. */
uint32_t intern_put(struct intern *, const void *data, size_t len) MUST_CHECK;

/* The bytes of NUMBER, aligned for a uint32_t, unchanged until it is
 * released; NULL and 0 bytes for INTERN_NONE. */
const void *intern_get(const struct intern *, uint32_t number, size_t *ret_len);

/* So much of `bytes` releasing NUMBER would free: nothing if others refer to it,
 * too. */
size_t intern_frees(const struct intern *, uint32_t number);

/* One reference less. */
void intern_release(struct intern *, uint32_t number);
