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
	HISTORY_KIND_COUNT
};

/* What a session's end, or its client's haste, has taught. */
enum learned {
	LEARNED_PATIENT,   /* it waited out the greeting, or delivered slowly */
	LEARNED_PASSED,    /* it was let in at once */
	LEARNED_ABANDONED, /* it left while it was slowed */
	LEARNED_PREGREET,  /* it talked before the greeting had ended */
};

/* Whom a record is about.  An IPv6 host picks any address of its /64, so that
 * its address alone would tell nothing, and fill any store. */
enum history_scope {
	HISTORY_NOBODY, /* a free place */
	HISTORY_V4_HOST,
	HISTORY_V4_NET, /* /24 */
	HISTORY_V6_NET, /* /64 */
	HISTORY_SCOPE_COUNT
};

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
	HISTORY_VALUE_SIZE = 16,
};

struct history_record {
	uint64_t bits;
	uint8_t scope; /* enum history_scope */
	bool dirty;    /* its keeper has still to write it */
	uint8_t amount[HISTORY_KIND_COUNT];
	uint8_t added[HISTORY_KIND_COUNT]; /* times, since its last merge */
	uint32_t when[HISTORY_KIND_COUNT];
	uint32_t fetched; /* when it was last asked for elsewhere */
};

/* Half-lives, in seconds. */
struct history_fading {
	uint32_t half_life[HISTORY_KIND_COUNT];
};

/* The records that an address has a part in: its own first, then that of its
 * network; IPv6 has the latter only.  How many. */
size_t history_keys(const struct in6_addr *addr,
    struct history_key ret_key[static HISTORY_KEYS_MAX]);

/* The address or network that KEY stands for. */
struct cidr history_key_prefix(const struct history_key *);

/* What is left of KIND: HISTORY_STRENGTH_MAX is one time, just now, or more. */
uint32_t history_strength(const struct history_record *,
    const struct history_fading *, enum history_kind kind, uint32_t now);

/* One more time.  False: nothing has changed that is worth writing. */
bool history_add(struct history_record *, const struct history_fading *,
    enum history_kind kind, uint32_t now);

/* As good as new, if anything of it is left: who is known to be patient and
 * comes again is not to be forgotten.  False as above. */
bool history_renew(struct history_record *, const struct history_fading *,
    enum history_kind kind, uint32_t now);

/* Makes of A and B, which somebody else has kept meanwhile, one record, in A:
 * of each kind the larger amount, where what was added to A counts for B as
 * well.  Merging again changes nothing. */
void history_merge(struct history_record *a, const struct history_record *b,
    const struct history_fading *);

/* When the last of it will have faded. */
uint32_t history_expires(
    const struct history_record *, const struct history_fading *);

/* As kept on disk: the scope, the bits; and for each kind in turn when (4
 * bytes) and the amount (1), then one byte of zero; all big-endian. */
void history_encode(const struct history_record *,
    uint8_t key[static HISTORY_KEY_SIZE],
    uint8_t value[static HISTORY_VALUE_SIZE]);
/* 0 or -EBADMSG. */
int history_decode(const void *key, size_t key_size, const void *value,
    size_t value_size, struct history_record *ret) MUST_CHECK;
