#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Where the history is kept beyond the process.  Each kind of store fills in
 * one table of functions and is the only user of its library.  A store never
 * blocks whoever asks or learns; nothing here logs.
 */

#include <stdbool.h>

#include "policy/history_memory.h"
#include "policy/source.h"

struct history_store;

struct history_store_ops {
	/* A store at PLACE for the records of MEMORY, which outlives it, and
	 * whose `place` it sets.  NULL: no memory. */
	struct history_store *(*new)(
	    struct history_memory *, const char *place);
	/* Writes what waits to be written, unless that fails. */
	struct history_store *(*free)(struct history_store *);

	/* Each second, and at first before any record is touched.  As that of
	 * a source. */
	bool (*refresh)(struct history_store *, struct source_note *ret_note);

	/* REC, of the table, has changed. */
	void (*changed)(struct history_store *, struct history_record *rec);
	/* REC was taken out of the table: it has faded, or others needed its
	 * place. */
	void (*gone)(struct history_store *, const struct history_record *rec);
};

/* In a directory of this machine. */
extern const struct history_store_ops history_disk;
