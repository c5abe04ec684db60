#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Who shares something: a client's host (an IPv4 address, an IPv6 /64), and the
 * network that it is one of (/24, /48), which is what one customer can have
 * many hosts in.  Counted, and gone with the last reference.  In a balanced
 * tree: no choice of addresses makes it slow.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

/* The beginning of what an owner of a table keeps of each. */
struct party {
	struct in6_addr prefix;
	uint8_t bits;          /* of it */
	uint32_t refs;         /* of owners', and of its hosts */
	struct party *network; /* NULL: it is one */
	uint64_t used;         /* the owner's: what it has of what is shared */
};

struct parties {
	size_t size; /* of one, the owner's part included; zeroed at first */
	void *tree;
	uint32_t n;
};

/* The host of CLIENT, with one more reference; NULL if there is no memory. */
struct party *party_get(
    struct parties *, const struct in6_addr *client) MUST_CHECK;
/* The same as it is: NULL if nobody has a reference to it. */
struct party *party_find(const struct parties *, const struct in6_addr *client);
struct party *party_ref(struct party *);
/* One reference less; NULL is fine. */
void party_put(struct parties *, struct party *);

/* PARTY, a host, and its network use so much more or less. */
void party_use(struct party *, int64_t more);

/* Frees all, whoever still has a reference. */
void parties_fini(struct parties *);
