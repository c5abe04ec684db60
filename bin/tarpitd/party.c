/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/party.h"

#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { V4_HOST = 128, V4_NETWORK = 120, V6_HOST = 64, V6_NETWORK = 48 };

static int
compare(const void *a, const void *b)
{
	const struct party *x = a, *y = b;

	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	return memcmp(&x->prefix, &y->prefix, sizeof(x->prefix));
}

/* All these lengths are of whole bytes. */
static struct party
key_of(const struct in6_addr *client, bool network)
{
	struct party key = { 0 };

	if (IN6_IS_ADDR_V4MAPPED(client))
		key.bits = network ? V4_NETWORK : V4_HOST;
	else
		key.bits = network ? V6_NETWORK : V6_HOST;
	memcpy(&key.prefix, client, key.bits / 8);
	return key;
}

static struct party *
find(const struct parties *p, const struct in6_addr *client, bool network)
{
	struct party key = key_of(client, network);
	void *node = tfind(&key, &p->tree, compare);

	return node != NULL ? *(struct party **)node : NULL;
}

/* A new one, with the first reference. */
static struct party *
add(struct parties *p, const struct in6_addr *client, struct party *network)
{
	struct party *party = calloc(1, p->size);

	if (party == NULL)
		return NULL;
	*party = key_of(client, network == NULL);
	party->refs = 1;
	party->network = network;
	if (tsearch(party, &p->tree, compare) == NULL) {
		free(party);
		return NULL;
	}
	p->n++;
	return party;
}

struct party *
party_find(const struct parties *p, const struct in6_addr *client)
{
	return find(p, client, false);
}

struct party *
party_ref(struct party *party)
{
	party->refs++;
	return party;
}

struct party *
party_get(struct parties *p, const struct in6_addr *client)
{
	struct party *host = find(p, client, false);
	struct party *network;

	if (host != NULL)
		return party_ref(host);
	network = find(p, client, true);
	network = network != NULL ? party_ref(network) : add(p, client, NULL);
	if (network == NULL)
		return NULL;
	host = add(p, client, network);
	if (host == NULL)
		party_put(p, network);
	return host;
}

void
party_put(struct parties *p, struct party *party)
{
	while (party != NULL && --party->refs == 0) {
		struct party *network = party->network;

		(void)tdelete(party, &p->tree, compare);
		free(party);
		p->n--;
		party = network;
	}
}

void
party_use(struct party *party, int64_t more)
{
	party->used += (uint64_t)more;
	party->network->used += (uint64_t)more;
}

void
parties_fini(struct parties *p)
{
	tdestroy(p->tree, free);
	p->tree = NULL;
	p->n = 0;
}
