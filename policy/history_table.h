#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The records in memory: a table of fixed size, in which a record has eight
 * possible places, so that finding one takes the same few cache lines however
 * full it is.  When all eight are taken, the one that fades first makes room.
 * Pure: no I/O, no clock.
 */

#include <stddef.h>

#include "policy/history.h"

struct history_table;

/* Room for MAX records, rounded up to a power of two; 40 bytes each, which the
 * system gives as they are used.  A secret key places them: nobody can aim at
 * the places of another.  0 or -errno. */
int history_table_new(size_t max, struct history_table **ret) MUST_CHECK;
struct history_table *history_table_free(struct history_table *);

/* NULL: there is none. */
struct history_record *history_table_find(
    struct history_table *, const struct history_key *);

/* The record of KEY, empty if it is new.  What had to go for it is in
 * *RET_GONE, whose scope is HISTORY_NOBODY if nothing had. */
struct history_record *history_table_put(struct history_table *,
    const struct history_fading *, const struct history_key *,
    struct history_record *ret_gone);

/* Looks at the next N places and empties those of faded records, handing each
 * to GONE. */
void history_table_sweep(struct history_table *, const struct history_fading *,
    size_t n, uint32_t now,
    void (*gone)(void *arg, const struct history_record *), void *arg);

/* Calls EACH for all records. */
void history_table_walk(struct history_table *,
    void (*each)(void *arg, struct history_record *), void *arg);

/* Records there are, and places. */
size_t history_table_used(const struct history_table *);
size_t history_table_size(const struct history_table *);
