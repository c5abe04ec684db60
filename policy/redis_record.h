#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The commands that read and write one record of the history on a server.  Each
 * names one key, so that the servers of a cluster can share the keys.  All but
 * redis_record_read() are redis_link_send() with its results.
 */

#include "policy/history.h"
#include "policy/redis_link.h"

/* The answer is for redis_record_read(). */
bool redis_record_get(struct redis_link *, const struct history_key *key,
    redis_on_answer *on_answer, void *arg) MUST_CHECK;

/* Makes *RET, of SCOPE but for the key, of what was answered.  False: not all of it was a
 * record of ours; what was not is left out. */
bool redis_record_read(const struct redis_answer *answer,
    enum history_scope scope, uint32_t now, struct history_record *ret);

/* Some kind of REC is not what is THERE. */
bool redis_record_differs(
    const struct history_record *rec, const struct history_record *there);

/* Writes the kinds of REC that are not what is THERE; there must be some. */
bool redis_record_put(struct redis_link *, const struct history_key *key,
    const struct history_record *rec, const struct history_record *there,
    redis_on_answer *on_answer, void *arg) MUST_CHECK;

bool redis_record_expire(struct redis_link *, const struct history_key *key,
    uint32_t seconds, redis_on_answer *on_answer, void *arg) MUST_CHECK;

bool redis_record_delete(struct redis_link *, const struct history_key *key,
    redis_on_answer *on_answer, void *arg) MUST_CHECK;
