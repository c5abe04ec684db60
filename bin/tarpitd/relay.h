#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Sessions that belong to an MTA on another machine: what one side says is
 * moved to the other by splice(2), through a pipe that a session has only while
 * the other side does not take it all.  Each side's end is passed on, too.
 */

#include <stdbool.h>
#include <stdint.h>

#include "bin/common/clock.h"
#include "bin/common/loop.h"
#include "bin/tarpitd/clients.h"

struct relay_pair;

/* Pipes that are kept for the next who needs one. */
enum { RELAY_PIPES_KEPT = 16 };

struct relay_pipe {
	int from, into; /* -1: none */
};

struct relay {
	struct loop *loop;
	uint32_t capacity;  /* pairs at a time */
	uint32_t max_pipes; /* beyond it, bytes are copied */
	uint64_t idle;      /* usec without a byte after which a pair ends */
	uint64_t linger;    /* the same once the MTA has said all */
	void (*on_end)(void *arg); /* of a pair */
	void *arg;
	struct clients *clients; /* borrowed: the pairs are counted there */

	struct relay_pair *pair; /* [capacity + 1], touched as far as used */
	uint32_t high, free, n;
	struct relay_pipe spare[RELAY_PIPES_KEPT];
	uint32_t n_pipes, n_spare;
	uint64_t to_mta, to_clients; /* bytes, counters */
	bool winds_up;
};

/* What the caller sets stands above the empty line.  0 or -errno. */
int relay_init(struct relay *) MUST_CHECK;
/* Ends all pairs, without on_end(). */
void relay_fini(struct relay *);

/* Takes over both descriptors, non-blocking and in no loop, if it returns 0;
 * else -errno: -ENFILE at capacity.  WHO is counted as long as the pair lives;
 * NULL: nobody knows. */
int relay_start(struct relay *, const struct in6_addr *who, int client, int mta,
    uint64_t now) MUST_CHECK;

/* After the last pair has ended their memory is given back. */
void relay_trim(struct relay *);

/* From now on, no client goes on: as soon as its MTA has the last word, the MTA
 * is told that the client has ended, and answers what it has before it closes.
 * So nothing that the MTA has taken stays unanswered.  As relay_end_some(). */
uint32_t relay_wind_up(
    struct relay *, uint32_t from, const struct slice *, uint64_t now);
/* Ends all pairs; those from slot FROM (1: the first) on, until the slice is
 * over: where to go on, or 0. */
void relay_end_all(struct relay *);
uint32_t relay_end_some(struct relay *, uint32_t from, const struct slice *);

/* How many descriptors it has. */
uint32_t relay_descriptors(const struct relay *);
