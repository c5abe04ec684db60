#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * How many questions may wait for the DNS: of all clients, and of those of one
 * network (IPv4 /24, IPv6 /48); and what a stranger hears when there is no
 * place.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/siphash.h"
#include "policy/source.h"

enum {
	CROWD_SHARE = 16, /* a network may have a 16th of MaxQuestions= */
	/* Counters; networks that have one in common share its limit. */
	CROWD_NETWORKS = 4096,
};

struct crowd {
	struct siphash_key key;
	size_t n; /* questions that wait */
	uint16_t network[CROWD_NETWORKS];
};

/* CROWD is all zero.  0 or -errno. */
int crowd_init(struct crowd *) MUST_CHECK;

/* Whether one more, about ADDR, may wait, where MAX may. */
bool crowd_has_place(
    const struct crowd *, const struct in6_addr *addr, size_t max);
/* It waits; returns what crowd_leave() needs. */
uint16_t crowd_enter(struct crowd *, const struct in6_addr *addr);
void crowd_leave(struct crowd *, uint16_t network);

/* There was no place for all that would have been asked about the client:
 * whoever is known passes, and a stranger must not do so for the crowd that he
 * may be. */
void crowd_slow_stranger(const struct inquiry *, struct verdict *);
