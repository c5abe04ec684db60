#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * STARTTLS of slowed sessions (RFC 3207), from the command to the end of the
 * handshake, which is never slowed.  A handshake is a thousand times the work
 * of a drip: they wait in a queue, and one step of one of them is done after a
 * batch, so that a flood of them costs a clean client one step.  All together
 * get half of the time, those of held sessions a fifth; more are told 454.
 */

#include "bin/common/loop.h"
#include "bin/tarpitd/pool.h"

struct dispatcher;

/* One a slot, used from STARTTLS to the session's end. */
struct starttls {
	struct loop_io io;
	struct dispatcher *d;
	struct tls_session *session; /* before the handshake begins */
	uint32_t next;               /* slot behind it in the queue */
	bool watched, queued, active, timed_out, held;
};

/* Those whose handshakes may go on. */
struct starttls_queue {
	uint32_t first, last;
};

struct starttls_store {
	struct starttls *slot;
	struct starttls_queue others, held;
	uint32_t n_active; /* from STARTTLS to the end of the handshake */
	uint32_t n_held;   /* in the lane hold, from STARTTLS to their end */
	uint64_t refused;  /* 454; counter */
	/* usec; until when the share of the time is used up: of handshakes,
	 * and of held sessions' ones */
	uint64_t paid, held_paid;
	struct timer share;
	uint64_t next_look; /* usec; at the certificate's dates */
	uint64_t next_busy; /* usec; see journal_is_due() */
};

/* 0 or -ENOMEM. */
int starttls_init(struct dispatcher *) MUST_CHECK;
void starttls_fini(struct dispatcher *);

/* How many held sessions with TLS an eighth of MEMORY holds (bytes; see
 * memory_limit()), from 100 to 10,000. */
uint32_t starttls_affordable(uint64_t memory);

/* Whether there is a certificate, and the session is in plain text. */
bool starttls_is_offered(const struct dispatcher *, const struct session *);

/* Before 220 is said: 0, and SESSION_STARTTLS is set; -ENOMEM, or -EBUSY: too
 * many are at it, and the client is to be told 454. */
int starttls_prepare(struct dispatcher *, struct session *) MUST_CHECK;

/* What SESSION_HANDSHAKE does at a visit. */
enum session_state starttls_visit(
    struct dispatcher *, struct session *, uint64_t now);

/* Does one step of one handshake; true if more wait. */
bool starttls_run(struct dispatcher *, uint64_t now);

/* Why the session's TLS is broken, or NULL. */
/* S has failed to get TLS: if the two could not agree, rather than that the client
 * went away, it has been refused. */
void starttls_note_failure(struct session *s);

const char *starttls_error(const struct dispatcher *, const struct session *);

/* Ends TLS, whatever state it is in; before the descriptor is closed. */
void starttls_end(struct dispatcher *, struct session *);

/* Whether sessions may be throttled: only where nobody who asks for TLS is
 * kept from it. */
bool starttls_permits_throttle(const struct dispatcher *);

/* Records what the administrator should know of the certificate. */
void starttls_review(struct dispatcher *, uint64_t now);
