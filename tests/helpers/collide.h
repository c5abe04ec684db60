#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Names that fall together under 32-bit FNV-1a, the hash that our tables once
 * had: what an adversary makes who has read them.  All that share a prefix of
 * STAGES pairs of blocks collide (Joux, "Multicollisions in iterated hash
 * functions", 2004): 2^STAGES names for STAGES * 2^16 trials.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	COLLIDE_STAGES = 12,
	COLLIDE_BLOCK = 6,
	COLLIDE_NAMES = 1 << COLLIDE_STAGES,
	COLLIDE_LEN = COLLIDE_STAGES * COLLIDE_BLOCK,
};

struct collide {
	char block[COLLIDE_STAGES][2][COLLIDE_BLOCK];
};

static inline uint32_t
collide_fnv(uint32_t hash, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 16777619U;
	return hash;
}

/* Number I in six letters, neighbours far apart. */
static inline void
collide_spell(uint32_t i, char block[COLLIDE_BLOCK])
{
	i *= UINT32_C(2654435761);
	for (size_t k = 0; k < COLLIDE_BLOCK; k++, i /= 26)
		block[k] = (char)('a' + i % 26);
}

/* Finds two blocks that take HASH to the same value, which is returned. */
static inline uint32_t
collide_stage(uint32_t hash, char pair[2][COLLIDE_BLOCK], uint32_t *seen)
{
	enum { SEEN = 1 << 20 };

	memset(seen, 0, SEEN * sizeof(*seen));
	for (uint32_t i = 1; i < SEEN; i++) {
		uint32_t next, at, other;

		collide_spell(i, pair[0]);
		next = collide_fnv(hash, pair[0], COLLIDE_BLOCK);
		for (at = next % SEEN; seen[at] != 0; at = (at + 1) % SEEN) {
			collide_spell(seen[at], pair[1]);
			other = collide_fnv(hash, pair[1], COLLIDE_BLOCK);
			if (other == next)
				return next;
		}
		seen[at] = i;
	}
	abort(); /* 2^20 values of 32 bits: there are 128 such pairs */
}

static inline void
collide_init(struct collide *c)
{
	uint32_t *seen = malloc((1 << 20) * sizeof(*seen));
	uint32_t hash = 2166136261U;

	if (seen == NULL)
		abort();
	for (size_t i = 0; i < COLLIDE_STAGES; i++)
		hash = collide_stage(hash, c->block[i], seen);
	free(seen);
}

/* Name I < COLLIDE_NAMES, not terminated. */
static inline void
collide_name(const struct collide *c, unsigned int i, char ret[COLLIDE_LEN])
{
	for (size_t k = 0; k < COLLIDE_STAGES; k++)
		memcpy(ret + k * COLLIDE_BLOCK, c->block[k][i >> k & 1],
		    COLLIDE_BLOCK);
}
