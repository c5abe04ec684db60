#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What the two parts of mux.h have in common: the queue and who gets which
 * connection (mux.c), and what happens on connections (mux_connection.c).
 */

#include "bin/tarpitd/mux.h"

/*
 * A client's place, the use of the connection that it has, if it has one, and
 * that connection's phase: these combinations there are, and no others.
 *
 *   place     its connection  use     phase of upstream.h       leads to
 *   NONE      none            -       -                         QUEUED
 *   QUEUED    none            -       -                         SERVED, NONE
 *   SERVED    its own         LENT    PROXY, XCLIENT...FINAL,   NONE
 *                                     RSET before its own
 *   NONE      its own         PARKED  OPEN                      RESUMING
 *   RESUMING  its own         PARKED  OPEN                      SERVED, QUEUED
 *
 *   nobody's                  OPENING CONNECTING, BANNER, HELLO IDLE
 *   nobody's                  IDLE    IDLE                      LENT
 *   nobody's                  PARKED  OPEN                      LENT
 *   nobody's (it has left,    LENT    FINAL, RSET, QUIT         IDLE, ENDING
 *   or been answered)
 *   nobody's                  ENDING  QUIT, CLOSED              -
 *
 * The party that a connection is LENT to has a place in fair.h until it is not
 * LENT any more, whether its client is still there or not.
 */
enum place_state { PLACE_NONE, PLACE_QUEUED, PLACE_RESUMING, PLACE_SERVED };

struct mux_place {
	uint64_t since;
	/* Its own, if it is SERVED or RESUMING, or if its transaction is open
	 * there. */
	struct connection *connection;
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
	struct in6_addr client; /* of the last borrower */
	struct party *party;    /* LENT: that it counts for */
	uint64_t answered;      /* by the MTA, when it was lent */
	bool may_park; /* the transaction that runs is the client's whole one */
	enum connection_use use; /* only mux_set_use() sets it */
};

/* After a failure to connect; doubled up to 2 s. */
#define MUX_BACKOFF_FIRST (50 * USEC_PER_MSEC)

/* ---- mux.c ---- */

/* Waits behind those of the same client, or before them: whose connection was
 * lost has waited longest.  0 or -ENOMEM. */
int mux_queue(struct mux *, uint32_t slot, bool first) MUST_CHECK;

/* ---- mux_connection.c ---- */

/* One more connection; 0 or -errno. */
int mux_connect(struct mux *, uint64_t now) MUST_CHECK;
void mux_set_use(struct connection *, enum connection_use);
/* A connection and its client have nothing to do with each other any more;
 * the latter one as well if it had wanted to go on with what is parked: it is
 * queued to begin anew. */
void mux_part(struct mux *, struct connection *);
void mux_leave_parked(struct mux *, struct connection *);

/* The MTA has not answered the client to whom it is LENT: MUX_TIMED_OUT, and the
 * client is blamed for it, or MUX_SILENT. */
enum mux_result mux_note_timeout(struct connection *, uint64_t now);

void mux_set_down(struct mux *, bool down, const char *why);
void mux_retry_later(struct mux *, uint64_t now);
