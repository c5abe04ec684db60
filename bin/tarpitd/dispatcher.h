#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The dispatcher: everything that one process has.  It accepts, keeps the
 * limits, sweeps the slowed sessions and ends them in order.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/intern.h"
#include "bin/common/journal.h"
#include "bin/common/listen.h"
#include "bin/common/loop.h"
#include "bin/common/watchdog.h"
#include "bin/tarpitd/ask.h"
#include "bin/tarpitd/clients.h"
#include "bin/tarpitd/config.h"
#include "bin/tarpitd/folding.h"
#include "bin/tarpitd/guests.h"
#include "bin/tarpitd/handoff.h"
#include "bin/tarpitd/memory.h"
#include "bin/tarpitd/mux.h"
#include "bin/tarpitd/operator.h"
#include "bin/tarpitd/own.h"
#include "bin/tarpitd/pool.h"
#include "bin/tarpitd/proxied.h"
#include "bin/tarpitd/relay.h"
#include "bin/tarpitd/room.h"
#include "bin/tarpitd/settings.h"
#include "bin/tarpitd/starttls.h"
#include "bin/tarpitd/summary.h"
#include "bin/tarpitd/sweep.h"
#include "bin/tarpitd/tally.h"
#include "bin/tarpitd/texts.h"
#include "bin/tarpitd/verdicts.h"

struct throttle;

/* Errors of accept4(2) that each have records of their own: there are four that
 * mean a moment without descriptors or memory. */
enum { PAUSES = 4 };

/* Room for the live counts in words. */
enum { RECORD_COUNTS_SIZE = 512 };

/* Sending sessions away at our end. */
enum farewell_phase {
	FAREWELL_SLOWED, /* who has begun nothing that cannot be begun anew */
	FAREWELL_ALL,    /* but those for whom the MTA may be doing something */
	FAREWELL_REST,
};

struct farewell {
	enum farewell_phase phase;
	uint32_t slot; /* the next to be looked at; POOL_NONE: done */
	uint32_t pair; /* the next one that is relayed; 0: done */
};

/* Why sessions were sent away for lack of room; see shedding.h. */
enum shed_kind {
	SHED_HELD,
	SHED_THROTTLED,
	SHED_NEWCOMER,
	SHED_OVER_TIME, /* MaxThrottleTime= */
	SHED_KINDS
};

struct dispatcher {
	struct loop *loop;
	struct journal *journal;
	struct config *config;    /* owned */
	struct settings settings; /* how it was read, and is again */

	uint64_t epoch;   /* usec; sessions count msec from here */
	uint64_t started; /* wall clock, sec: tells one process's sessions
			     from another's */
	uint32_t number;  /* of the last session */
	uint32_t max_sessions, max_slowed, max_throttled, max_tls_held;
	const char *bounded_by; /* what max_sessions follows from */
	uint64_t memory;        /* bytes, for sessions; see memory.h */
	char memory_bound[MEMORY_BOUND_SIZE];
	uint32_t descriptors; /* RLIMIT_NOFILE, less what is not for sessions */
	bool stopping, single;
	struct farewell farewell;
	/* Why accepting has paused, and when that is due for a record again;
	 * see journal_is_due(). */
	struct {
		int error; /* 0: none so far */
		uint64_t next;
	} pause[PAUSES];

	struct listen_socket sockets[LISTEN_MAX];
	struct acceptor acceptor[LISTEN_MAX];
	size_t n_sockets;
	bool accepting;
	struct own own;

	struct pool pool;
	uint32_t most_live; /* sessions at once, since the heap was trimmed */
	struct clients clients;          /* sessions, those relayed included */
	struct client_limits limits;     /* as configured */
	uint64_t limited[CLIENT_WIDTHS]; /* sessions over them, counters */
	uint64_t next_limited[CLIENT_WIDTHS]; /* record; journal_is_due() */
	uint64_t shed[SHED_KINDS];            /* sessions, counters */
	uint64_t next_shedding[SHED_KINDS];   /* record; journal_is_due() */
	uint32_t n_slowed;
	uint32_t in_lane[LANE_COUNT]; /* of those */
	uint32_t closed;              /* chain of the slots to be reaped */
	struct intern strings;
	struct intern words; /* HELO and sender of sessions; see words.h */
	struct answer_cache *answers;
	struct texts_store texts;
	struct proxied proxied;
	struct ask ask;
	struct handoff handoff;
	struct guests guests;
	struct relay relay;
	struct throttle *throttle; /* one a slot, touched as far as used */
	struct starttls_store starttls;
	struct mux mux;
	/* Counters, of the lane throttle: sessions that were cut, that had to
	 * be patient anew, and whose message was too slow. */
	uint64_t n_cut, n_anew, n_too_slow;
	struct spool_store spool;
	struct room room;
	uint64_t n_spool_full; /* counter: messages without room */
	uint64_t
	    n_names_cut; /* counter: names for which HoldNames= was short */
	/* Records; see journal_is_due(). */
	uint64_t next_spool_full, next_spool_part, next_unsure,
	    next_backend_slow, next_names_cut;
	struct sweep sweep;
	uint64_t longest_stall; /* usec; of the loop, see on_status() */
	struct summary summary;
	struct folding folding;
	struct operator operator;
	struct tally tally;
	struct timer status, stop;
	uint64_t stop_until; /* usec; for what the MTA may have */
	struct watchdog watchdog;
	char status_shown[RECORD_COUNTS_SIZE];
};

/* Takes over CONFIG and the N SOCKETS.  0 or -errno. */
int dispatcher_init(struct dispatcher *, struct loop *, struct journal *,
    struct config *config, const struct listen_socket *sockets,
    size_t n) MUST_CHECK;
void dispatcher_fini(struct dispatcher *);

/* The counts are brought up to date, and recorded where Log= asks for it:
 * before the program says that it ends. */
void dispatcher_conclude(struct dispatcher *);

/* SIGHUP, SIGTERM.  After the latter neither does anything any more. */
void dispatcher_reload(struct dispatcher *);
void dispatcher_stop(struct dispatcher *);

/* Tells the listeners that a session has ended. */
void dispatcher_note_end(struct dispatcher *);

/* A session's clock: msec since the dispatcher's epoch. */
static inline uint32_t
dispatcher_msec(const struct dispatcher *d, uint64_t now)
{
	return (uint32_t)((now - d->epoch) / USEC_PER_MSEC);
}

/* When a client that is silent from NOW on has been so for too long. */
static inline uint32_t
session_timeout(const struct dispatcher *d, uint64_t now)
{
	return dispatcher_msec(d, now + d->config->command_timeout);
}

static inline bool
session_is_due(
    const struct dispatcher *d, const struct session *s, uint64_t now)
{
	return (int32_t)(dispatcher_msec(d, now) - s->deadline) >= 0;
}
