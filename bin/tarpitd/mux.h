#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Many clients' transactions onto few connections to the MTA: a pool of them,
 * grown and shrunk by need, and a queue of those who wait for one, in which no
 * client and no network is in the way of the others (fair.h).  A client
 * has a connection for the milliseconds that asking about a recipient or
 * handing over a complete message takes.  Of one that goes on at full speed
 * the transaction is left open in between (parked), so that its next recipient
 * and its message need no other; as long as nobody waits for the connection.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/journal.h"
#include "bin/common/loop.h"
#include "bin/tarpitd/fair.h"
#include "bin/tarpitd/upstream.h"

enum mux_result {
	MUX_SAID,      /* the MTA's own reply */
	MUX_CHANGED,   /* it refused a recipient that it had accepted before */
	MUX_GONE,      /* the client had left before it was delivered */
	MUX_FAILED,    /* not delivered */
	MUX_TIMED_OUT, /* the MTA has answered others, and not this client */
	MUX_SILENT,    /* it has answered nobody meanwhile */
	MUX_UNSURE,    /* the MTA did not answer after the dot */
};

/* A client's place in the pool's books, by its slot; one of the pool. */
struct mux_place;
struct connection;

enum { MUX_CONNECTIONS_MAX = FAIR_PLACES_MAX };

struct mux {
	struct loop *loop;
	struct journal *journal;
	const char *backend;   /* Backend=; borrowed; "": there is none */
	const char *host_name; /* borrowed */
	bool proxied;          /* BackendIdentity=proxy */
	uint32_t max;          /* BackendConnections= */
	uint32_t per_client;   /* BackendPerClient=; 0: a quarter of them */
	uint32_t capacity;     /* slots are 1..capacity */
	uint64_t timeout;      /* usec: BackendTimeout= */
	/* The transaction of the client in SLOT. */
	void (*describe)(void *arg, uint32_t slot, struct transaction *ret);
	/* Is it still there? */
	bool (*is_there)(void *arg, uint32_t slot);
	/* What came of it; not called by mux_ask() and mux_cancel(). */
	void (*on_done)(void *arg, uint32_t slot, enum mux_result result,
	    const char *reply, size_t len, uint64_t now);
	void *arg;

	struct sockaddr_storage address;
	socklen_t address_len; /* 0: no back end */
	struct mux_place *place;
	struct fair queue;
	struct connection **connection; /* [MUX_CONNECTIONS_MAX] */
	uint32_t n, n_idle, n_opening, n_parked;
	uint32_t n_resuming; /* want to go on with what is parked */
	uint32_t generation;
	struct timer retry, patience;
	uint64_t backoff;
	/* Usec that a transaction is parked, and while others wait. */
	uint64_t park_max, park_safe;
	struct journal_flap flap; /* records of `down` */
	bool down, unusable;
	bool known; /* what it offers; before that connections only ask */
	struct esmtp_limits offers; /* of the MTA, as it said last */
	/* Statistics. */
	uint64_t longest_wait; /* usec */
	uint64_t opened, asked, answered, lost, timed_out;
	uint64_t unsure; /* messages of which nobody knows; the owner's */
};

/* Is VALUE "ADDRESS:PORT" or "[ADDRESS]:PORT", numeric?  0 or -EINVAL. */
int mux_parse_address(const char *value, struct sockaddr_storage *ret,
    socklen_t *ret_len) MUST_CHECK;

/* What the caller sets stands above the empty line.  0 or -errno. */
int mux_init(struct mux *) MUST_CHECK;
void mux_fini(struct mux *);
/* Backend=, BackendConnections= and so on may have changed. */
void mux_reload(struct mux *, uint64_t now);

/* The memory of slots that nobody has is given back (see pool_trim()). */
void mux_trim(struct mux *, uint32_t from, uint32_t to);

/* Can sessions be throttled at all: there is a back end, and it does not
 * refuse to be told who the client is. */
static inline bool
mux_is_usable(const struct mux *m)
{
	return m->address_len != 0 && !m->unusable;
}

/* Queues the client in SLOT for a connection, unless it has one that is
 * parked.  0 or -ENOMEM. */
int mux_ask(struct mux *, uint32_t slot, uint64_t now) MUST_CHECK;
/* Lends connections to who has asked, and opens more; after each batch.  True
 * if a slice was not enough. */
bool mux_flush(struct mux *, uint64_t now);
/* Forgets it, and what is parked of it; no on_done() any more.  What has been
 * committed to the MTA runs to its end. */
void mux_cancel(struct mux *, uint32_t slot, uint64_t now);
/* Still waiting for a connection?  Or has one, and its message has not begun to
 * go out? */
bool mux_is_queued(const struct mux *, uint32_t slot);
bool mux_is_asking(const struct mux *, uint32_t slot);
/* It is not worth waiting for the MTA's answer any longer: mux_cancel(), and
 * MUX_TIMED_OUT or MUX_SILENT. */
enum mux_result mux_give_up(struct mux *, uint32_t slot, uint64_t now);
/* Has the MTA been sent the end of its message? */
bool mux_is_committed(const struct mux *, uint32_t slot);
