#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What is remembered of a client: how much of each kind of behaviour, and when
 * it was last seen.  An amount halves with each half-life of its kind, so that
 * no record has to be touched for it to fade.  Pure: no I/O, no clock; `now`
 * is in Unix seconds, since records outlive the process.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "data/cidr.h"

enum history_kind {
	HISTORY_PATIENT,   /* waited out a greeting, or delivered slowly */
	HISTORY_ABANDONED, /* left while it was slowed */
	HISTORY_PREGREET,  /* talked before the greeting had ended */
	HISTORY_SEEN,      /* passed while nobody was slowed */
	HISTORY_KIND_COUNT
};

/* What a session's end, or its client's haste, has taught. */
enum learned {
	LEARNED_PATIENT, /* it waited out the greeting, or delivered slowly */
	LEARNED_SEEN,    /* it was let in by a dispatcher that only observes */
	LEARNED_ABANDONED, /* it left while it was slowed */
	LEARNED_PREGREET,  /* it talked before the greeting had ended */
	LEARNED_HELD,      /* the same while it was held */
	LEARNED_LISTED,    /* it was held, or would have been */
};

/* Whom a record is about: a host, or the network around it.  An IPv6 host picks
 * any address of its /64, so that its address alone would tell nothing, and fill
 * any store.  A network has 256 hosts: the /56 is what one customer of a provider
 * gets, seldom less. */
enum history_scope {
	HISTORY_NOBODY, /* a free place */
	HISTORY_V4_HOST,
	HISTORY_V4_NET,  /* /24 */
	HISTORY_V6_HOST, /* /64 */
	HISTORY_V6_NET,  /* /56 */
	HISTORY_SCOPE_COUNT
};

static inline bool
history_is_net(enum history_scope scope)
{
	return scope == HISTORY_V4_NET || scope == HISTORY_V6_NET;
}

struct history_key {
	uint64_t bits; /* of the prefix, right-aligned */
	enum history_scope scope;
};

enum {
	HISTORY_ONE = 16,         /* what one time adds to an amount */
	HISTORY_AMOUNT_MAX = 128, /* eight times: full for three half-lives */
	HISTORY_STRENGTH_MAX = 4096,
	HISTORY_KEYS_MAX = 2,
	HISTORY_KEY_SIZE = 9, /* encoded */
	HISTORY_VALUE_SIZE = 21,
	HISTORY_VALUE_0_SIZE = 16, /* of version 0 */
	HISTORY_HOSTS_MAX = 3,     /* of a network that are known by name */
	/* Of a network: when one of its hosts was last caught. */
	HISTORY_CAUGHT = HISTORY_HOSTS_MAX,
};

/* Of a host, by kind: how often, in sixteenths, and when it was last.  Of a
 * network, in the places of the kinds: HISTORY_HOSTS_MAX of its hosts that were
 * patient, each by the eight bits that it has in the network, in place of an
 * amount, and when (0: nobody) it was so last; and then HISTORY_CAUGHT. */
struct history_record {
	uint64_t bits;
	uint8_t scope; /* enum history_scope */
	bool dirty;    /* its keeper has still to write it */
	uint8_t amount[HISTORY_KIND_COUNT];
	uint8_t added[HISTORY_KIND_COUNT]; /* times, since its last merge */
	uint32_t when[HISTORY_KIND_COUNT];
	uint32_t fetched; /* when it was last asked for elsewhere */
};

/* In seconds: half-lives; of HISTORY_PATIENT and HISTORY_SEEN, for how long they
 * count, in full, and then not at all. */
struct history_fading {
	uint32_t half_life[HISTORY_KIND_COUNT];
};

/* The records that an address has a part in: its host's first, then that of the
 * network.  How many. */
size_t history_keys(const struct in6_addr *addr,
    struct history_key ret_key[static HISTORY_KEYS_MAX]);

/* The address or network that KEY stands for. */
struct cidr history_key_prefix(const struct history_key *);

/* What is left of a host's KIND: HISTORY_STRENGTH_MAX is one time, just now, or
 * more. */
uint32_t history_strength(const struct history_record *,
    const struct history_fading *, enum history_kind kind, uint32_t now);

/* The host has been patient, within the time for which that counts, and has not
 * been caught since. */
bool history_is_patient(
    const struct history_record *, const struct history_fading *, uint32_t now);

/* One more time.  False: nothing has changed that is worth writing. */
bool history_add(struct history_record *, const struct history_fading *,
    enum history_kind kind, uint32_t now);

/* HOST, eight bits, of the network was patient, or was caught.  False as above. */
bool history_net_add(struct history_record *, uint8_t host, uint32_t now);
bool history_net_catch(struct history_record *, uint32_t now);

/* How many hosts of the network were patient within the time for which that
 * counts; none if one was caught within it. */
unsigned int history_net_hosts(
    const struct history_record *, const struct history_fading *, uint32_t now);

/* What was written down by a clock that was ahead becomes NOW: it would be known
 * for too long. */
void history_correct(struct history_record *, uint32_t now);

/* Makes of A and B, of the same scope, which somebody else has kept meanwhile,
 * one record, in A: of each kind the larger amount, where what was added to A
 * counts for B as well; of a network's hosts those that were patient last.
 * Merging again changes nothing. */
void history_merge(struct history_record *a, const struct history_record *b,
    const struct history_fading *);

/* When the last of it will have faded. */
uint32_t history_expires(
    const struct history_record *, const struct history_fading *);

/* There is nothing in it. */
bool history_is_empty(const struct history_record *);

/* As kept on disk: the scope, the bits; and for each kind in turn when (4
 * bytes) and the amount (1), then one byte with the version, 1; all big-endian.
 * Version 0, with 16 bytes, had no HISTORY_SEEN, and of a network how often it
 * was patient, which is no use any more: that is read as nothing. */
void history_encode(const struct history_record *,
    uint8_t key[static HISTORY_KEY_SIZE],
    uint8_t value[static HISTORY_VALUE_SIZE]);
/* 0 or -EBADMSG. */
int history_decode(const void *key, size_t key_size, const void *value,
    size_t value_size, struct history_record *ret) MUST_CHECK;
