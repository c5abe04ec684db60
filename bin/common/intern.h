#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Interned bytes: equal ones are kept once, counted, and named by a number.
 * Thousands of sessions share a few dozen verdicts; a number is also plain
 * data, which can be written elsewhere and read back.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

/* The number of nothing at all; interned by nobody, released for free. */
enum { INTERN_NONE = 0, INTERN_SIZE_MAX = 65535 };

struct interned;

struct intern {
	uint32_t *bucket; /* heads of the chains; a power of two */
	uint32_t n_buckets;
	struct interned **slot; /* by number; [0] is INTERN_NONE */
	uint32_t n_slots, used; /* slots there are; entries in use */
	uint32_t free;          /* head of the chain of unused slots */
};

/* 0 or -ENOMEM. */
int intern_init(struct intern *) MUST_CHECK;
void intern_fini(struct intern *);

/* One more reference to the LEN bytes at DATA: their number, or INTERN_NONE if
 * there is no memory or LEN is over INTERN_SIZE_MAX. */
uint32_t intern_put(struct intern *, const void *data, size_t len) MUST_CHECK;

/* The bytes of NUMBER, aligned as malloc() aligns, unchanged until it is
 * released; NULL and 0 bytes for INTERN_NONE. */
const void *intern_get(const struct intern *, uint32_t number, size_t *ret_len);

/* One reference less. */
void intern_release(struct intern *, uint32_t number);
