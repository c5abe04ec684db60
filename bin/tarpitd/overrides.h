#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What an administrator has said of networks, whatever the policy thinks of
 * them: let them through, or hold them, until a time.  Few, so a plain array.
 * Pure: no clock, no I/O.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"
#include "data/cidr.h"

enum { OVERRIDES_MAX = 256, OVERRIDE_BY_SIZE = 64 };

enum override_kind { OVERRIDE_NONE, OVERRIDE_RELEASE, OVERRIDE_HOLD };

/* "release", "hold"; "" for none. */
const char *override_name(enum override_kind);

struct override {
	struct cidr network;
	enum override_kind kind;
	uint64_t until;            /* monotonic usec */
	uint64_t sessions;         /* how many it has applied to */
	uint32_t uid;              /* who said so, as the kernel knows them */
	char by[OVERRIDE_BY_SIZE]; /* and as they say */
};

struct overrides {
	struct override item[OVERRIDES_MAX];
	size_t n;
};

/* Adds O, or puts it in the place of what was said of the same network.  0 or
 * -ENOSPC. */
int overrides_put(struct overrides *, const struct override *o) MUST_CHECK;

/* The one of the smallest network that ADDRESS is in and that still holds at
 * NOW, or NULL.  Valid until the next change. */
struct override *overrides_find(
    struct overrides *, const struct in6_addr *address, uint64_t now);

/* Takes out what was said of NETWORK; false if nothing was. */
bool overrides_take(struct overrides *, const struct cidr *network,
    struct override *ret) MUST_CHECK;
/* Takes out one that has expired at NOW; false if there is none. */
bool overrides_take_expired(
    struct overrides *, uint64_t now, struct override *ret) MUST_CHECK;

/* When the next one expires; USEC_NEVER if there is none. */
uint64_t overrides_next(const struct overrides *);
