#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The policy's answers as sessions keep them: interned, since thousands share
 * one; and remembered for as long as the policy allows (ttl), by address.
 */

#include <netinet/in.h>
#include <stdbool.h>

#include "bin/common/intern.h"
#include "policy/verdict.h"

/* The part of a verdict that only the record needs. */
struct verdict_text {
	int32_t score;
	uint32_t asn;
	char country[4];
	char reason[]; /* terminated */
};

/* Interns what a record says of V: its number, or INTERN_NONE without memory. */
uint32_t verdict_intern(struct intern *, const struct verdict *v) MUST_CHECK;
/* NULL for INTERN_NONE. */
const struct verdict_text *verdict_text(const struct intern *, uint32_t number);

/* Recent answers: 4,096 places, of which a client's address chooses one.  A
 * newer answer takes an older one's place: it is asked again, that is all. */
struct answer_cache;

struct answer_cache *answer_cache_new(void);
struct answer_cache *answer_cache_free(struct answer_cache *);
void answer_cache_clear(struct answer_cache *);
/* Remembers V, an answer that has just come, for V->ttl seconds from NOW (usec);
 * if that is 0 nothing, nor what was known before.  Never V of get(). */
void answer_cache_put(struct answer_cache *, const struct in6_addr *client,
    const struct verdict *v, uint64_t now);
/* The answer that still holds, or NULL. */
const struct verdict *answer_cache_get(
    const struct answer_cache *, const struct in6_addr *client, uint64_t now);
