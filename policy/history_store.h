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

/* Somebody waits for a record; embedded in its owner. */
struct history_wait {
	struct history_fetch *fetch; /* the store's; NULL: none under way */
	/* The table now has what the store has, or ANSWERED is false.  Not
	 * called from within fetch(). */
	void (*on_fetched)(struct history_wait *, bool answered);
};

struct history_store_ops {
	/* A store at PLACE for the records of MEMORY, which outlives it, and
	 * whose `place` it sets.  NULL: no memory. */
	struct history_store *(*new)(
	    struct history_memory *, const char *place);
	/* Writes what waits to be written, unless that fails. */
	struct history_store *(*free)(struct history_store *);
	/* Lets go of the loop, so that a thread may call free(), which may take
	 * as long as the disk does.  NULL: free() waits for nothing. */
	void (*leave)(struct history_store *);

	/* Each second, and at first before any record is touched.  As that of
	 * a source. */
	bool (*refresh)(struct history_store *, struct source_note *ret_note);

	/* REC, of the table, has changed. */
	void (*changed)(struct history_store *, struct history_record *rec);
	/* REC was taken out of the table: it has faded, or others needed its
	 * place. */
	void (*gone)(struct history_store *, const struct history_record *rec);

	/* The rest is NULL if the table has all there is. */

	/* The table has what the store has lately had of KEY. */
	bool (*knows)(struct history_store *, const struct history_key *key);
	/* Asks for the record of KEY.  False: the store cannot be asked. */
	bool (*fetch)(struct history_store *, const struct history_key *key,
	    struct history_wait *);
	/* Forgets that WAIT waits, if it does. */
	void (*cancel)(struct history_wait *);
	/* Why it cannot be asked, for people. */
	const char *(*why)(const struct history_store *);
};

/* In a directory of this machine. */
extern const struct history_store_ops history_disk;
/* On a Redis or Valkey server, for several machines. */
extern const struct history_store_ops history_redis;
