#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * SipHash-1-3 (Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012,
 * with the rounds that Rust and Python use for tables): the one hash for
 * whatever others choose, so that nobody who does not know the key can make
 * two things fall together.  About 15 ns for an address.
 */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

/* A table has one of its own, which it shows to nobody. */
struct siphash_key {
	uint64_t k[2];
};

/* A random key; waits for the kernel's generator, which is ready long before
 * services are started.  0 or -errno. */
int siphash_key_init(struct siphash_key *) MUST_CHECK;

uint64_t siphash(const struct siphash_key *, const void *data, size_t len);
