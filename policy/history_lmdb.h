#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * History on disk: an LMDB environment, read once at the start and from then on
 * written by a thread of its own, one transaction for each batch.  So nobody
 * who asks waits for a disk, and whatever kills the process finds the last
 * transaction whole.  The only user of LMDB.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/history.h"

struct history_lmdb;

/* Opens the store in the directory DIR, which it makes if its parent is there,
 * for MAX records; READ_ONLY: to be read only, also while a service has it.  0, or -errno with a reason for the operator in WHY. */
int history_lmdb_open(const char *dir, size_t max, bool read_only,
    struct history_lmdb **ret, char *why, size_t size) MUST_CHECK;
/* Waits until the batch under way is written or has failed once more. */
struct history_lmdb *history_lmdb_free(struct history_lmdb *);

/* Hands all records to EACH.  What cannot be read is left out and counted in
 * *RET_BAD.  0 or -errno.  Before the first write. */
int history_lmdb_load(struct history_lmdb *,
    void (*each)(void *arg, const struct history_record *), void *arg,
    size_t *ret_bad) MUST_CHECK;

/* A batch is under way.  One that fails stays so, and is tried again each
 * second. */
bool history_lmdb_is_busy(struct history_lmdb *);

/* Writes N records, an array from malloc() that this takes over; one without
 * any amount is deleted.  Not while busy. */
void history_lmdb_write(
    struct history_lmdb *, struct history_record *batch, size_t n);

/* Why the last try failed; 0: it did not.  -errno. */
int history_lmdb_error(struct history_lmdb *);
