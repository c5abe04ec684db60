#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Who floods the journal.  The first RecordsPerClient= sessions of an address
 * that end in a minute, ten times as many of a network and a hundred times as
 * many in all, have a record each; those beyond it are folded: at the minute's
 * end one record says how many there were of that address, network or whatever,
 * for each lane and outcome.  None goes uncounted.
 *
 * What it costs does not depend on who comes: there are FOLDS_MAX folds, and
 * those for which none is left share one of nobody's.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bin/common/loop.h"
#include "bin/tarpitd/clients.h"
#include "bin/tarpitd/pool.h"
#include "policy/verdict.h"

struct dispatcher;

enum {
	/* Addresses and networks, for each lane and outcome that they have. */
	FOLDS_MAX = 128,
	FOLD_REASON_SIZE = REASON_SIZE + 64, /* record.h's */
	FOLD_NETWORK_FACTOR = 10,
	FOLD_ALL_FACTOR = 100,
};

/* Sessions that are folded into one record. */
struct fold {
	struct in6_addr prefix; /* of the address or network */
	uint8_t prefix_len;     /* as one counts it; 0: all others */
	uint8_t lane, outcome;
	bool observed;
	uint64_t n, held, bytes_in, bytes_out; /* held: msec; sums */
	/* As of the first of them. */
	struct in6_addr client;
	uint32_t number, rate, asn;
	uint8_t verdict_lane;
	int32_t score;
	char country[4];
	char reason[FOLD_REASON_SIZE];
};

struct folding {
	struct clients recent; /* records of this minute */
	uint32_t n_recent;     /* of all */
	struct fold *fold; /* [FOLDS_MAX + LANE_COUNT * OUTCOME_COUNT * 2] */
	uint32_t n_folds;
	struct timer minute; /* armed while there is something */
	uint64_t began;      /* usec */
	uint64_t folded;     /* sessions, counter */
	struct dispatcher *d;
};

/* 0 or -errno. */
int folding_init(struct dispatcher *) MUST_CHECK;
void folding_fini(struct dispatcher *);

/* Whether S, which has ended, is not to have a record of its own, because it is
 * in a fold now. */
bool folding_takes(
    struct dispatcher *, const struct session *, uint32_t held, uint64_t now);

/* Records what there is, and begins a new minute. */
void folding_flush(struct dispatcher *, uint64_t now);
