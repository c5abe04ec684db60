#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Is a .mmdb file safe to hand to libmaxminddb?  The library checks its
 * bounds, but it steps over nested values by recursion: 1.7.1 overflows its
 * stack on a record of some 100,000 nested arrays.  Pure; the format is
 * MaxMind DB 2.0.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

/* Whether it has the mark that such a file ends with. */
bool mmdb_check_is_mmdb(const uint8_t *file, size_t size);

/* Checks the metadata, which MMDB_open() reads.  0, or -EBADMSG and a reason
 * in *RET_WHY (static). */
int mmdb_check_metadata(
    const uint8_t *file, size_t size, const char **ret_why) MUST_CHECK;

/* Checks the search tree of NODE_COUNT nodes of two records of RECORD_SIZE
 * (24, 28 or 32) bits, and each value that can be reached from it.  Takes time
 * in proportion to SIZE, whatever the file.  0, -EBADMSG and a reason, or
 * -ENOMEM. */
int mmdb_check_tree(const uint8_t *file, size_t size, uint32_t node_count,
    unsigned int record_size, const char **ret_why) MUST_CHECK;
