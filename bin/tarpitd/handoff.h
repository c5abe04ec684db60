#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Giving the client to the MTA.
 *
 * Its descriptor, to a Postfix `pass` service or to tarpit-handoff: one unix
 * connection a session; the message and the descriptor go over in one
 * sendmsg(), then the receiver's end of file means that it has taken the
 * session, and ECONNRESET that it has not (Postfix was stopped with it in its
 * backlog, say): the session is then still ours and whole.  tarpit-handoff may
 * say before its end that the MTA has failed.
 *
 * Taken is not served: an smtpd that cannot work (no SASL, a map that is not
 * there) takes the session, dies, and leaves a client without a word.  So our
 * copy of the descriptor stays until somebody has written to the client.  Who
 * else has it, the kernel does not tell; hence a time, and a long one, since a
 * sound MTA may be waiting for a resolver.
 *
 * Or its bytes, to an MTA on another machine: one TCP connection a session,
 * with a PROXY header ahead; the first byte of the MTA's greeting means that it
 * has taken the session, which is then the relay's, and anything else that it
 * has not.  That byte tells as well whether it is a greeting or a refusal, which
 * of a descriptor that has been given away nobody can see.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/loop.h"
#include "bin/tarpitd/config.h"
#include "bin/tarpitd/histogram.h"
#include "bin/tarpitd/pool.h"
#include "bin/tarpitd/proxied.h"
#include "bin/tarpitd/relay.h"

enum handoff_result {
	HANDOFF_TAKEN,
	HANDOFF_TIMED_OUT, /* HandoffTimeout= is over */
	HANDOFF_GONE,      /* the client left meanwhile */
	HANDOFF_SILENT,    /* taken, but the MTA has not greeted */
	HANDOFF_FAILED,    /* taken, but not served; the client has been told */
	HANDOFF_REFUSED,   /* the same: it hears that from the MTA itself */
};

struct handoff_job;

struct handoff {
	struct loop *loop;
	struct journal *journal;
	struct pool *pool;
	const struct proxied *proxied;       /* borrowed */
	struct relay *relay;                 /* borrowed */
	const struct handoff_target *target; /* borrowed */
	uint64_t timeout;                    /* usec */
	void (*on_done)(void *arg, struct session *s,
	    enum handoff_result result, uint64_t now);
	void *arg;

	struct handoff_job *job; /* one a slot, touched as far as used */
	uint32_t first, last;    /* slots that wait to be offered, in order */
	uint32_t look;           /* of them, looked at next for having left */
	uint32_t n_waiting, n_offered;
	uint32_t n_taken; /* whose greeting is waited for */
	struct timer retry;
	struct journal_flap flap; /* records of `down` */
	bool down;
	uint64_t taken, returned; /* counters; returned by ECONNRESET */
	uint64_t unserved; /* taken, and refused, or not greeted in time */
	uint64_t in_row;   /* the last of those: none was served since */
	uint64_t untold, tell_at;
	/* What the MTA said, during on_done() with HANDOFF_REFUSED. */
	const char *refusal;
	size_t refusal_len;
	struct histogram latency; /* from handoff_start() to taken */
};

/* What the caller sets stands above the empty line.  0 or -errno. */
int handoff_init(struct handoff *) MUST_CHECK;
void handoff_fini(struct handoff *);

/* The memory of slots that nobody has is given back (see pool_trim()). */
void handoff_trim(struct handoff *, uint32_t from, uint32_t to);

/* Offers S to the MTA; on_done() is called once, perhaps before this returns.
 * Until then nothing may be read from or written to its descriptor. */
void handoff_start(struct handoff *, struct session *s, uint64_t now);
/* Whether the MTA has S and only its greeting is waited for: on_done() has been
 * called then, as if it had come. */
bool handoff_conclude(struct handoff *, struct session *s, uint64_t now);
/* Has its descriptor been sent to the MTA, which may have it by now? */
bool handoff_is_passed(const struct handoff *, const struct session *s);
/* How many are on their way, and not greeted yet. */
static inline uint32_t
handoff_unserved(const struct handoff *h)
{
	return h->n_waiting + h->n_offered + h->n_taken;
}
/* Forgets S, which is being closed by someone else. */
void handoff_cancel(struct handoff *, struct session *s);
