#pragma once
/* SPDX-License-Identifier: ISC */
/* The dialogue of a held session: what its states do at a visit.  Each returns
 * the next state (see session.c). */

#include "bin/tarpitd/dispatcher.h"
#include "bin/tarpitd/smtp.h"

enum session_state hold_say(
    const struct dispatcher *, struct session *, enum smtp_reply, uint64_t now);
enum session_state hold_visit_sending(
    struct dispatcher *, struct session *, uint64_t now);
enum session_state hold_visit_command(
    struct dispatcher *, struct session *, uint64_t now);
enum session_state hold_visit_skipping(
    struct dispatcher *, struct session *, uint64_t now);

/* After the handshake: the dialogue begins anew, or ends if TLS is not SECURED.
 */
enum session_state hold_go_on(
    const struct dispatcher *, struct session *, bool secured, uint64_t now);

/* What a held session has come to when it ends by itself. */
enum outcome hold_outcome(const struct session *);
