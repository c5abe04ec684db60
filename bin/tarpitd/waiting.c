/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bin/tarpitd/pool.h"

enum {
	BUCKETS = 16384,
	NETWORKS = 4096, /* counters; those that share one share its limit */
	SHARE = 16,      /* a network may have a 16th of the places */
	/* All of one client are decided at once, and looked through when one
	 * leaves. */
	BEHIND_MAX = 64,
	TRIM_LEAST = 1024, /* places; fewer are a few pages */
};

struct waiting_place {
	uint64_t client; /* its hash, of 64 bits under a secret key */
	uint32_t slot;
	uint32_t behind;  /* the next of the same client */
	uint32_t chained; /* the first of another client of the bucket; of a
			     free place the next free one */
	uint16_t network;
	uint16_t n_behind; /* of the first */
};

int
waiting_init(struct waiting *w, uint32_t capacity)
{
	int r;

	*w = (struct waiting){ .capacity = capacity,
		.share = capacity / SHARE > 0 ? capacity / SHARE : 1 };
	r = siphash_key_init(&w->key);
	if (r < 0)
		return r;
	w->place = pool_reserve((size_t)capacity + 1, sizeof(*w->place));
	w->bucket = calloc(BUCKETS, sizeof(*w->bucket));
	w->network = calloc(NETWORKS, sizeof(*w->network));
	if (w->place != NULL && w->bucket != NULL && w->network != NULL)
		return 0;
	waiting_fini(w);
	return -ENOMEM;
}

void
waiting_fini(struct waiting *w)
{
	pool_release(w->place, (size_t)w->capacity + 1, sizeof(*w->place));
	free(w->bucket);
	free(w->network);
	*w = (struct waiting){ 0 };
}

void
waiting_trim(struct waiting *w)
{
	if (w->questions > 0 || w->n_used < TRIM_LEAST)
		return;
	pool_discard(w->place, 1, (size_t)w->n_used + 1, sizeof(*w->place));
	w->n_used = 0;
	w->free = 0;
}

/* What of an address is hashed: an IPv6 host has a /64, a site a /48. */
static uint64_t
hash_of(const struct waiting *w, const struct in6_addr *client, size_t v6,
    size_t v4)
{
	bool is_v4 = IN6_IS_ADDR_V4MAPPED(client);

	return siphash(&w->key, client, is_v4 ? 12 + v4 : v6);
}

static uint64_t
hash_client(const struct waiting *w, const struct in6_addr *client)
{
	return hash_of(w, client, 8, 4);
}

static uint16_t
hash_network(const struct waiting *w, const struct in6_addr *client)
{
	return (uint16_t)(hash_of(w, client, 6, 3) % NETWORKS);
}

/* Where the first of CLIENT is linked, or the end of its bucket. */
static uint32_t *
find(const struct waiting *w, uint64_t client)
{
	uint32_t *link = &w->bucket[client % BUCKETS];

	while (*link != 0 && w->place[*link].client != client)
		link = &w->place[*link].chained;
	return link;
}

static uint32_t
take_place(struct waiting *w)
{
	uint32_t at = w->free;

	if (at != 0)
		w->free = w->place[at].chained;
	else if (w->n_used < w->capacity)
		at = ++w->n_used;
	return at;
}

static void
free_place(struct waiting *w, uint32_t at)
{
	w->place[at].chained = w->free;
	w->free = at;
}

enum waiting_place_kind
waiting_add(struct waiting *w, const struct in6_addr *client, uint32_t slot)
{
	uint64_t hash = hash_client(w, client);
	uint16_t network = hash_network(w, client);
	uint32_t *link = find(w, hash), at;
	bool first = *link == 0;

	if (first ? w->network[network] >= w->share
		  : w->place[*link].n_behind >= BEHIND_MAX)
		return WAITING_FULL;
	at = take_place(w);
	if (at == 0)
		return WAITING_FULL;
	w->place[at] = (struct waiting_place){
		.client = hash, .slot = slot, .network = network
	};
	if (!first) {
		/* Right behind the first: their order is of no account. */
		w->place[at].behind = w->place[*link].behind;
		w->place[*link].behind = at;
		w->place[*link].n_behind++;
		return WAITING_BEHIND;
	}
	*link = at;
	w->network[network]++;
	w->questions++;
	return WAITING_FIRST;
}

uint32_t
waiting_first(const struct waiting *w, const struct in6_addr *client)
{
	uint32_t at = *find(w, hash_client(w, client));

	return at != 0 ? w->place[at].slot : WAITING_NONE;
}

/* Takes out the first, which LINK leads to. */
static void
unlink_first(struct waiting *w, uint32_t *link)
{
	uint32_t at = *link;
	struct waiting_place *p = &w->place[at];

	if (p->behind != 0) {
		w->place[p->behind].chained = p->chained;
		w->place[p->behind].n_behind = (uint16_t)(p->n_behind - 1);
		*link = p->behind;
	} else {
		*link = p->chained;
		w->network[p->network]--;
		w->questions--;
	}
	free_place(w, at);
}

uint32_t
waiting_take(struct waiting *w, const struct in6_addr *client)
{
	uint32_t *link = find(w, hash_client(w, client));
	uint32_t slot;

	if (*link == 0)
		return WAITING_NONE;
	slot = w->place[*link].slot;
	unlink_first(w, link);
	return slot;
}

bool
waiting_remove(struct waiting *w, const struct in6_addr *client, uint32_t slot)
{
	uint32_t *link = find(w, hash_client(w, client));
	uint32_t at, before;

	if (*link == 0)
		return false;
	if (w->place[*link].slot == slot) {
		unlink_first(w, link);
		return true;
	}
	before = *link;
	while ((at = w->place[before].behind) != 0) {
		if (w->place[at].slot == slot) {
			w->place[before].behind = w->place[at].behind;
			w->place[*link].n_behind--;
			free_place(w, at);
			break;
		}
		before = at;
	}
	return false;
}
