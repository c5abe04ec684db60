#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * One client's life, from accept to close or hand-over: the table of states,
 * and the moves between lanes.
 */

#include "bin/tarpitd/dispatcher.h"
#include "bin/tarpitd/smtp.h"

/* Takes over FD, a connection just accepted from PEER: asks about it, or
 * refuses it at a limit. */
void session_begin(struct dispatcher *, int fd,
    const struct sockaddr_storage *peer, uint64_t now);

/* The same on behalf of a client that is yet to be named by the proxy PEER. */
void session_begin_proxied(struct dispatcher *, int fd,
    const struct sockaddr_storage *peer, uint64_t now);

/* What the proxy said, or NULL: nothing (see proxied.h). */
void session_set_client(void *dispatcher, struct session *,
    const struct proxy_header *, uint64_t now);

/* Looks at a slowed session: what it has sent, what it may be sent. */
void session_visit(struct dispatcher *, struct session *, uint64_t now);

/* The same after something else than a visit has moved it on to NEXT. */
void session_go_on(struct dispatcher *, struct session *,
    enum session_state next, uint64_t now);

/* The option whose limit the session is over, or NULL. */
const char *session_limit_name(const struct session *);

/* Of its state; "t-body". */
const char *session_state_name(const struct session *);

/* In a state in which it is visited. */
bool session_is_slowed(const struct session *);

/* Else who would be throttled is slowed: there is no MTA for it, or no
 * certificate. */
bool session_can_be_throttled(const struct dispatcher *);

/* The policy's answer, or NULL for the default (see ask.h). */
void session_decide(
    void *dispatcher, struct session *, const struct verdict *, uint64_t now);

/* Its client has left before it was decided (see ask.h). */
void session_gone(void *dispatcher, struct session *, uint64_t now);

/* What became of the hand-off (see handoff.h). */
void session_handed_off(
    void *dispatcher, struct session *, enum handoff_result, uint64_t now);

/* Says REPLY as far as the client takes it at once, and closes. */
void session_dismiss(struct dispatcher *, struct session *,
    enum outcome outcome, enum smtp_reply reply, uint64_t now);

/* Might the MTA do something on behalf of the client that a word of ours would
 * contradict?  It has the end of its message, or has been passed its
 * connection. */
bool session_is_with_mta(const struct dispatcher *, const struct session *);
/* Closes such a session without a word: what the MTA says to a connection that
 * it was passed is the client's answer, and a client that hears nothing of its
 * message sends it again. */
void session_leave_to_mta(struct dispatcher *, struct session *, uint64_t now);

/* Moves a slowed session, whatever its state, to another lane's books. */
void session_change_lane(struct dispatcher *, struct session *, enum lane lane);

/* Gives the slots of closed sessions back; after the batch. */
void session_reap(struct dispatcher *);
