#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Who waits for whose answer: of each client, which is an IPv4 address or an
 * IPv6 /64, one session is asked about, and the others that come meanwhile wait
 * behind it.  So a flood from one client is one question; and no network around
 * a client has more than its share of the questions.  Bounded; no I/O, no clock.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bin/common/siphash.h"
#include "bin/common/util.h"

enum { WAITING_NONE = 0 }; /* no slot */

struct waiting_place;

struct waiting {
	struct siphash_key key;
	uint32_t capacity;
	uint32_t share;     /* questions that a /24 or /48 may have at most */
	uint32_t questions; /* there are */
	struct waiting_place *place; /* from 1 on */
	uint32_t n_used, free;
	uint32_t *bucket; /* the first of each client */
	uint16_t *network;
};

/* For up to CAPACITY sessions that wait.  0 or -errno. */
int waiting_init(struct waiting *, uint32_t capacity) MUST_CHECK;
void waiting_fini(struct waiting *);
/* After a crowd, once nobody waits, its memory is given back. */
void waiting_trim(struct waiting *);

enum waiting_place_kind {
	WAITING_FIRST,  /* it is to be asked about */
	WAITING_BEHIND, /* another one of its client is asked about */
	WAITING_FULL,   /* there is no room for it; or not for its network */
};

enum waiting_place_kind waiting_add(
    struct waiting *, const struct in6_addr *client, uint32_t slot);

/* The one of CLIENT that is asked about, or WAITING_NONE. */
uint32_t waiting_first(const struct waiting *, const struct in6_addr *client);

/* Takes the first of CLIENT out: its slot, or WAITING_NONE.  The next one, if
 * there is one, is the first then. */
uint32_t waiting_take(struct waiting *, const struct in6_addr *client);

/* Takes SLOT out, wherever it is.  True: it was the first. */
bool waiting_remove(
    struct waiting *, const struct in6_addr *client, uint32_t slot);
