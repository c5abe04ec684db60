#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the two parts of mux.h have in common: the queue and who gets which
 * connection (mux.c), and what happens on connections (mux_connection.c).
 */

#include "bin/tarpitd/mux.h"

enum place_state { PLACE_NONE, PLACE_QUEUED, PLACE_RESUMING, PLACE_SERVED };

struct mux_place {
	uint64_t since;
	/* Its own, if it is SERVED or RESUMING, or if its transaction is open
	 * there. */
	struct connection *connection;
	uint32_t next, prev; /* PLACE_QUEUED */
	uint8_t state, attempts;
};

enum connection_use { OPENING, IDLE, LENT, PARKED, ENDING };

/* One of the pool. */
struct connection {
	struct upstream upstream;
	struct mux *mux;
	uint32_t borrower;   /* slot, 0: nobody's, or its client has left */
	uint32_t generation; /* of the configuration */
	uint64_t parked_at;
	bool may_park; /* the transaction that runs is the client's whole one */
	enum connection_use use; /* only mux_set_use() sets it */
};

/* After a failure to connect; doubled up to 2 s. */
#define MUX_BACKOFF_FIRST (50 * USEC_PER_MSEC)

/* ---- mux.c ---- */

/* To the front of the queue: whose connection was lost has waited longest. */
void mux_prepend(struct mux *, uint32_t slot);

/* ---- mux_connection.c ---- */

/* One more connection; 0 or -errno. */
int mux_connect(struct mux *, uint64_t now) MUST_CHECK;
void mux_set_use(struct connection *, enum connection_use);
/* A connection and its client have nothing to do with each other any more;
 * the latter one as well if it had wanted to go on with what is parked: it is
 * queued to begin anew. */
void mux_part(struct mux *, struct connection *);
void mux_leave_parked(struct mux *, struct connection *);

void mux_set_down(struct mux *, bool down, const char *why);
void mux_retry_later(struct mux *, uint64_t now);
