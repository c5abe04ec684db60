#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the lane throttle have in common: commands (throttle.c),
 * replies and their pace (throttle_reply.c), the transaction and the MTA's word
 * on it (throttle_mta.c), bodies (throttle_body.c).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/tarpitd/throttle.h"

/* Bytes of a line too long, or of a message after it has become too large, that
 * are still read; no program sends more by mistake. */
enum { THROTTLE_SKIP_MAX = 65536 };

static inline struct throttle *
throttle_of(const struct dispatcher *d, const struct session *s)
{
	return &d->throttle[pool_slot(&d->pool, s)];
}

static inline uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- throttle_reply.c: durations in msec ---- */

/* At full speed, because nothing else was asked for or because it has been
 * slowed for long enough. */
bool throttle_is_free(const struct throttle *, const struct session *);
/* The session has been slowed by so much. */
void throttle_spend(struct throttle *, uint64_t msec);
/* It is to be slowed for MSEC more, within MaxDialogueDelay=. */
void throttle_slow_down(
    const struct dispatcher *, struct throttle *, uint64_t msec);
/* How long LEN bytes are to take, if they may take LIMIT. */
uint64_t throttle_delay(const struct throttle *, const struct session *,
    size_t len, uint64_t limit);

/* Has the loop visit the session whenever something happens to its socket. */
void throttle_watch(struct dispatcher *, struct throttle *, struct session *);
/* There is more than one visit may do: has it visited again. */
void throttle_come_again(struct dispatcher *, struct throttle *);

/* Replies: TEXT within LIMIT; within what is left of MaxReplyTime= since the
 * client began to wait; the same for a string, and a command next; one after
 * which the session is closed. */
enum session_state throttle_say_within(struct dispatcher *, struct session *,
    const char *text, size_t len, uint64_t limit, enum session_state next,
    uint64_t now);
enum session_state throttle_say_n(struct dispatcher *, struct session *,
    const char *text, size_t len, enum session_state next, uint64_t now);
enum session_state throttle_say(
    struct dispatcher *, struct session *, const char *text, uint64_t now);
enum session_state throttle_say_last(
    struct dispatcher *, struct session *, enum smtp_reply, uint64_t now);

/* It has done too much of what mail servers do not: REPLY, and its end. */
enum session_state throttle_cut(
    struct dispatcher *, struct session *, const char *reply, uint64_t now);

/* Nothing has come, or not enough. */
enum session_state throttle_keep_waiting(
    struct dispatcher *, struct session *, uint64_t now);
/* It ends: with this outcome; because the client leaves. */
enum session_state throttle_close(struct session *, enum outcome);
enum session_state throttle_leave(const struct throttle *, struct session *);

/* ---- throttle_mta.c ---- */

/* Gives an interned string back. */
void throttle_release(struct dispatcher *, uint32_t *number);
/* The transaction is over, with nothing said about it; in order, and the MTA
 * has TAKEN the message or not. */
void throttle_forget(struct dispatcher *, struct throttle *);
void throttle_end_transaction(
    struct dispatcher *, struct throttle *, bool taken);

enum session_state throttle_remember_sender(struct dispatcher *,
    struct session *, const struct esmtp_step *, uint64_t now);
enum session_state throttle_ask_recipient(struct dispatcher *, struct session *,
    const struct esmtp_step *, uint64_t now);
/* The MTA is asked about what there is: a recipient, or the message.  The
 * answer comes to throttle_answer(). */
enum session_state throttle_ask_mta(
    struct dispatcher *, struct session *, uint64_t now);

/* ---- throttle_body.c ---- */

/* What is there of the message, and its place in the spool, is given back. */
void throttle_drop_body(struct dispatcher *, struct throttle *);

enum session_state throttle_run_data(struct dispatcher *, struct session *,
    const struct esmtp_step *, uint64_t now);
enum session_state throttle_run_chunk(struct dispatcher *, struct session *,
    const struct esmtp_step *, uint64_t now);

/* ---- throttle.c ---- */

/* What this client may be offered: what both we and the MTA do. */
struct esmtp_limits throttle_limits(
    const struct dispatcher *, const struct session *);
