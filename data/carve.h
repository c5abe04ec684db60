#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Networks, and others that are taken out of them: what a table with `permit`
 * between its `reject` lines has, and a zone with `!`, as networks alone.
 * Pure: no I/O.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"
#include "data/cdbfile.h"

/* Networks with `list` 0, and, with `list` 1, what is taken out.  In the order
 * of PREFIXES, which is lost, the first that has an address counts if
 * IS_ORDERED; otherwise the longest, and of two as long the one that takes out.
 * *RET (*RET_N) is for the caller to free: all `list` 0, in no order; a network
 * that nothing is taken out of is as it was.  0 or -ENOMEM. */
int carve(struct cdbfile_prefix *prefixes, size_t n, bool is_ordered,
    struct cdbfile_prefix **ret, size_t *ret_n) MUST_CHECK;
