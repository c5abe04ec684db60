#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Nested prefixes of many lists to disjoint ranges, each with the set of the
 * lists that have it: what makes one search answer a look-up however many
 * prefix lengths there are.  Pure: no I/O.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/siphash.h"
#include "bin/common/util.h"
#include "data/cdbfile.h"
#include "data/cidr.h"

/* The sets of hits that occur, each once; set 0 is the empty one.  All zero is
 * not valid: sets_init(). */
struct sets {
	uint32_t
	    *first; /* [n + 1]: set k is member[first[k] .. first[k + 1]) */
	struct cdbfile_hit *member; /* of each set by list number */
	uint32_t *slot;             /* hash of the content -> set, 0 = free */
	size_t n, n_members;        /* sets, members of all */
	size_t first_cap, member_cap, n_slots;
	struct siphash_key key;
};

int sets_init(struct sets *) MUST_CHECK; /* 0 or -errno */
void sets_fini(struct sets *);

/* The number of the set with this content (N > 0), new or not.  0 or -ENOMEM. */
int sets_intern(struct sets *, const struct cdbfile_hit *hit, size_t n,
    uint32_t *ret_set) MUST_CHECK;

/* Addresses FIRST to LAST, both included. */
struct range {
	struct in6_addr first, last;
	uint32_t set; /* not 0 */
};

/* All zero is an empty one; RANGE is the owner's to free. */
struct ranges {
	struct range *range;
	size_t n, cap;
};

/* Flattens PREFIXES, sorted by cidr_compare() and then by list, all inside
 * WITHIN, whose every address is in the lists of BASE already.  Replaces what
 * RET_RANGES held, in ascending order, neighbours of one set merged.  0 or
 * -ENOMEM. */
int flatten(struct sets *, const struct cdbfile_prefix *prefixes, size_t n,
    const struct cidr *within, uint32_t base,
    struct ranges *ret_ranges) MUST_CHECK;
