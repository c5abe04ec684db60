#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the parts of session.h have in common: the states and the moves between
 * them (session.c), the way into a lane (session_arrival.c), the greeting of
 * those that are slowed (session_greeting.c), whether the MTA has a place for
 * it (session_guest.c).
 */

#include "bin/tarpitd/session.h"

/* ---- session.c ---- */

/* The only way into another state. */
void session_enter(struct dispatcher *, struct session *,
    enum session_state next, uint64_t now);
/* It is over, with nothing more said. */
void session_close_as(
    struct dispatcher *, struct session *, enum outcome, uint64_t now);
/* Tells the sweep; after every change of state or rate. */
void session_set_cadence(struct dispatcher *, const struct session *);

/* ---- session_guest.c ---- */

/* It has been patient: may it go to the MTA now?  If not, that is recorded,
 * once. */
bool session_may_graduate(struct dispatcher *, struct session *, uint64_t now);
/* It goes. */
void session_note_guest(
    struct dispatcher *, const struct session *, uint64_t now);

/* ---- session_greeting.c ---- */

/* Starts to greet: one that may be let in after PATIENCE seconds, reckoned from
 * accept; one that is held. */
void session_begin_slow(
    struct dispatcher *, struct session *, uint32_t patience, uint64_t now);
void session_begin_hold(struct dispatcher *, struct session *, uint64_t now);
/* What SESSION_GREETING does at a visit: the next state. */
enum session_state session_visit_greeting(
    struct dispatcher *, struct session *, uint64_t now);
