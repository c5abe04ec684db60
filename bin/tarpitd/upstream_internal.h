#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the two parts of upstream.h have in common: the dialogue
 * (upstream_script.c) and the connection that it is held on (upstream.c).
 */

#include "bin/tarpitd/upstream.h"

/* Of one reply that goes to a client. */
enum { UPSTREAM_RELAYED_MAX = 2048 };

/* ---- upstream_script.c ---- */

const char *upstream_phase_name(const struct upstream *);
/* Puts into the buffer what is said on entering the phase, and with it what
 * need not wait for the reply. */
void upstream_say(struct upstream *);
/* May commands go out without waiting for the replies, in the name of the
 * client of `tx`? */
bool upstream_may_pipeline(const struct upstream *);
/* What a transaction begins with. */
enum upstream_phase upstream_first_phase(const struct upstream *);
/* A complete reply, to the phase at hand: the next one. */
enum upstream_phase upstream_hear(
    struct upstream *, int code, const char *reply, size_t len, uint64_t now);

/* ---- upstream.c ---- */

/* What was run is over, and the handler is told. */
void upstream_done(struct upstream *, enum upstream_result, const char *reply,
    size_t len, uint64_t now);
