/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/fair.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "bin/tarpitd/pool.h"

/* For how long who has been blamed comes last, and of how many it is known
 * when they neither wait nor have a place: each of them has cost somebody a
 * timeout, so a crowd of them is not made quickly. */
#define BLAME_TIME (300 * USEC_PER_SEC)
enum { BLAMED_MAX = 4096 };

struct fair_place {
	struct fair_party *host; /* NULL: does not wait */
	uint32_t next, prev;     /* of the same host */
};

struct fair_party {
	struct party party;
	struct fair_list *list;           /* that it is in, or NULL */
	struct fair_party *next, *prev;   /* in that list */
	struct fair_party *older, *newer; /* blamed */
	uint64_t blamed_until;            /* 0: not blamed */
	uint32_t first, last;             /* a host's slots that wait */
	/* A network's hosts that may have a place and have somebody waiting:
	 * without blame, and with it. */
	struct fair_list hosts[2];
};

/* ---- lists ---- */

static void
append(struct fair_list *list, struct fair_party *p)
{
	p->list = list;
	p->next = NULL;
	p->prev = list->last;
	if (list->last != NULL)
		list->last->next = p;
	else
		list->first = p;
	list->last = p;
}

static void
take_out(struct fair_party *p)
{
	struct fair_list *list = p->list;

	if (list == NULL)
		return;
	if (p->next != NULL)
		p->next->prev = p->prev;
	else
		list->last = p->prev;
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		list->first = p->next;
	p->list = NULL;
}

/* ---- where a host and its network stand ---- */

static bool
is_network(const struct fair_party *p)
{
	return p->party.network == NULL;
}

static struct fair_party *
network_of(const struct fair_party *host)
{
	return (struct fair_party *)host->party.network;
}

static uint64_t
limit_of(const struct fair *f, const struct fair_party *p)
{
	uint64_t limit = is_network(p) ? 2 * (uint64_t)f->share : f->share;

	if (p->blamed_until != 0 && limit > 1)
		limit /= 2;
	return limit;
}

static bool
is_below_limit(const struct fair *f, const struct fair_party *p)
{
	return p->party.used < limit_of(f, p);
}

/* The list in which P is to be now, or NULL. */
static struct fair_list *
list_for(const struct fair *f, struct fair_party *p)
{
	size_t blamed = p->blamed_until != 0;

	if (!is_below_limit(f, p))
		return NULL;
	if (!is_network(p))
		return p->first != 0 ? &network_of(p)->hosts[blamed] : NULL;
	if (p->hosts[0].first == NULL && p->hosts[1].first == NULL)
		return NULL;
	return &f->ready[2 * p->party.used + blamed];
}

/* Keeps P's turn if nothing has changed for it, unless it has HAD its turn. */
static void
arrange(struct fair *f, struct fair_party *p, bool had)
{
	struct fair_list *list = list_for(f, p);

	if (list == p->list && !had)
		return;
	if (is_network(p))
		f->n_ready -= p->list != NULL;
	take_out(p);
	if (list != NULL)
		append(list, p);
	if (is_network(p))
		f->n_ready += list != NULL;
}

static void
arrange_both(struct fair *f, struct fair_party *host, bool had)
{
	arrange(f, host, had);
	arrange(f, network_of(host), had);
}

/* ---- waiting ---- */

int
fair_init(struct fair *f)
{
	f->parties = (struct parties){ .size = sizeof(struct fair_party) };
	f->place = pool_reserve((size_t)f->capacity + 1, sizeof(*f->place));
	f->ready = calloc(2 * (FAIR_PLACES_MAX + 1), sizeof(*f->ready));
	return f->place == NULL || f->ready == NULL ? -ENOMEM : 0;
}

void
fair_fini(struct fair *f)
{
	parties_fini(&f->parties);
	pool_release(f->place, (size_t)f->capacity + 1, sizeof(*f->place));
	free(f->ready);
	f->place = NULL;
	f->ready = NULL;
}

static void
link_slot(struct fair *f, struct fair_party *host, uint32_t slot, bool first)
{
	struct fair_place *place = &f->place[slot];

	place->host = host;
	place->next = first ? host->first : 0;
	place->prev = first ? 0 : host->last;
	if (place->next != 0)
		f->place[place->next].prev = slot;
	else
		host->last = slot;
	if (place->prev != 0)
		f->place[place->prev].next = slot;
	else
		host->first = slot;
}

int
fair_wait(
    struct fair *f, uint32_t slot, const struct in6_addr *client, bool first)
{
	struct fair_party *host;

	assert(f->place[slot].host == NULL);
	host = (struct fair_party *)party_get(&f->parties, client);
	if (host == NULL)
		return -ENOMEM;
	link_slot(f, host, slot, first);
	f->n_waiting++;
	arrange_both(f, host, false);
	return 0;
}

bool
fair_is_waiting(const struct fair *f, uint32_t slot)
{
	return f->place[slot].host != NULL;
}

void
fair_leave(struct fair *f, uint32_t slot)
{
	struct fair_place *place = &f->place[slot];
	struct fair_party *host = place->host;

	assert(host != NULL);
	if (place->next != 0)
		f->place[place->next].prev = place->prev;
	else
		host->last = place->prev;
	if (place->prev != 0)
		f->place[place->prev].next = place->next;
	else
		host->first = place->next;
	place->host = NULL;
	f->n_waiting--;
	arrange_both(f, host, false);
	party_put(&f->parties, &host->party);
}

/* A network has at most twice a host's share, so few lists are looked at. */
uint32_t
fair_next(const struct fair *f)
{
	const struct fair_party *network = NULL;

	if (f->n_ready == 0)
		return 0;
	for (size_t i = 0; network == NULL; i++)
		network = f->ready[i].first;
	return network->hosts[0].first != NULL ? network->hosts[0].first->first
					       : network->hosts[1].first->first;
}

/* ---- places ---- */

bool
fair_may_take(const struct fair *f, const struct in6_addr *client)
{
	const struct fair_party *host =
	    (const struct fair_party *)party_find(&f->parties, client);

	return host == NULL ||
	    (is_below_limit(f, host) && is_below_limit(f, network_of(host)));
}

struct party *
fair_take(struct fair *f, const struct in6_addr *client)
{
	struct party *host = party_get(&f->parties, client);

	if (host == NULL)
		return NULL;
	party_use(host, 1);
	arrange_both(f, (struct fair_party *)host, true);
	return host;
}

void
fair_give_back(struct fair *f, struct party *host)
{
	party_use(host, -1);
	arrange_both(f, (struct fair_party *)host, false);
	party_put(&f->parties, host);
}

/* ---- blame ---- */

static void
arrange_with_network(struct fair *f, struct fair_party *p)
{
	if (is_network(p))
		arrange(f, p, false);
	else
		arrange_both(f, p, false);
}

static void
forgive(struct fair *f, struct fair_party *p)
{
	struct fair_list *b = &f->blamed;

	if (p->newer != NULL)
		p->newer->older = p->older;
	else
		b->last = p->older;
	if (p->older != NULL)
		p->older->newer = p->newer;
	else
		b->first = p->newer;
	p->older = p->newer = NULL;
	p->blamed_until = 0;
	f->n_blamed--;
	arrange_with_network(f, p);
}

static void
blame(struct fair *f, struct fair_party *p, uint64_t now)
{
	if (p->blamed_until == 0)
		(void)party_ref(&p->party);
	else
		forgive(f, p);
	p->blamed_until = now + BLAME_TIME;
	p->older = f->blamed.last;
	if (p->older != NULL)
		p->older->newer = p;
	else
		f->blamed.first = p;
	f->blamed.last = p;
	f->n_blamed++;
	arrange_with_network(f, p);
}

static void
forgive_oldest(struct fair *f)
{
	struct fair_party *p = f->blamed.first;

	forgive(f, p);
	party_put(&f->parties, &p->party);
}

void
fair_forgive(struct fair *f, uint64_t now)
{
	while (f->n_blamed > BLAMED_MAX ||
	    (f->n_blamed > 0 && f->blamed.first->blamed_until <= now))
		forgive_oldest(f);
}

/* The network of a neighbour who is blamed has fewer places, too: a /24 of hosts
 * that are each blamed once has them all from one hand. */
void
fair_blame(struct fair *f, struct party *host, uint64_t now)
{
	struct fair_party *p = (struct fair_party *)host;

	blame(f, p, now);
	blame(f, network_of(p), now);
	fair_forgive(f, now);
}
