#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * All that is remembered of clients: the table of records and the store behind
 * it.  It outlives a reload, and is counted: who waits for the store keeps it.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "policy/history_store.h"
#include "policy/rules.h"

struct remembered {
	unsigned int refs;
	struct history_memory memory;
	char *path; /* as configured: a directory or a redis_url */
	const struct history_store_ops *ops;
	struct history_store *store;
	struct timer reaper;
	/* Of one that was left; see remembered_leave(). */
	struct remembered *next;
	bool has_thread;
	pthread_t thread;
	atomic_bool has_ended;
};

/* What RULES say of it, with SETTINGS' loop, fading and times.  NULL: no
 * memory. */
struct remembered *remembered_new(
    const struct history_memory *settings, const struct rules *rules);
struct remembered *remembered_ref(struct remembered *);
/* The last one closes the store.  NULL ok. */
struct remembered *remembered_unref(struct remembered *);
/* The same from within the store's own calls: it is closed when these have
 * returned. */
void remembered_unref_later(struct remembered *);

/* H was replaced by another place, and nobody will ask it any more: puts the
 * caller's reference into LIST.  A store that a slow disk may keep busy is closed
 * by a thread, not by whoever answers questions meanwhile. */
void remembered_leave(struct remembered *h, struct remembered **list);
/* Takes those that have ended out of LIST; of all, if it is to WAIT. */
void remembered_reap(struct remembered **list, bool wait);
/* One of LIST is still busy at PATH, where there must not be two. */
bool remembered_is_leaving(const struct remembered *list, const char *path);

/* Takes the fading and the times of SETTINGS. */
void remembered_use(struct remembered *, const struct history_memory *settings);

/* Each second.  As refresh() of a source. */
bool remembered_refresh(struct remembered *, struct source_note *ret_note);

/* One more time of KIND for the host KEY. */
void remembered_add(
    struct remembered *, const struct history_key *key, enum history_kind kind);
/* Of the network KEY: HOST was patient; one was caught. */
void remembered_net_add(
    struct remembered *, const struct history_key *key, uint8_t host);
void remembered_net_catch(struct remembered *, const struct history_key *key);
