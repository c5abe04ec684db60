#pragma once
/* SPDX-License-Identifier: ISC */
/* What opening, verifying and asking share; for cdbfile.c and cdbverify.c
 * only. */

#include <cdb.h>
#include <stdbool.h>

#include "bin/common/util.h"
#include "data/cdbfile.h"
#include "data/cdblayout.h"

/* The value of a record that is an array. */
struct table {
	const uint8_t *at;
	uint32_t n; /* elements */
};

/* Where a bucket's ranges lie in the file; all zero: there is no bucket. */
struct bucket {
	uint32_t at, n;
};

struct cdbfile {
	struct cdb cdb; /* of the memory file; its descriptor is closed */
	/* Of all IPv4 buckets, by the 16 bits of their key.  CDB's own probe is
	 * three cache misses; this is most often none. */
	struct bucket *v4;
	const uint8_t *map; /* all of the file */
	uint64_t created;
	uint32_t n_sets, n_members, n_lists;
	uint32_t n_buckets[LAYOUT_FAMILIES];
	struct table wide[LAYOUT_FAMILIES];
	struct table sets, members, asns;
	struct table notes;                          /* bytes */
	struct cdbfile_list list[CDBFILE_LISTS_MAX]; /* strings in the map */
};

/* Where the reason for the operator goes. */
struct why {
	char *text;
	size_t size;
};

/* Writes the reason; returns ERROR. */
int cdbfile_fail(const struct why *, int error, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* VAL as ranges of WIDTH address bytes; false if it is not a whole number of
 * them. */
static inline bool
as_ranges(const uint8_t *val, uint32_t len, size_t width, struct table *ret)
{
	if (len % layout_range_len(width) != 0)
		return false;
	*ret = (struct table){ val, len / (uint32_t)layout_range_len(width) };
	return true;
}

/* Believes nothing of F->map, SIZE bytes, before it is checked, and fills the
 * rest of F from it.  F->cdb, F->map and F->v4 (zeroed) are set.  0, or -errno
 * with the reason in WHY; see cdbfile_open(). */
int cdbfile_verify(
    struct cdbfile *, size_t size, const struct why *) MUST_CHECK;
