/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "bin/common/siphash.h"
#include "bin/common/util.h"
#include "data/cidr.h"
#include "policy/dns_budget.h"

#define MINUTE (60 * USEC_PER_SEC)

enum { WAYS = 4, SETS = DNS_BUDGET_NETWORKS / WAYS, ADDRESSES = 4 };

static const struct level {
	uint8_t bits;
	uint32_t times; /* what a /64 has */
} levels[] = {
	{ 64, 1 },
	{ 48, DNS_BUDGET_PER_48 },
	{ 32, DNS_BUDGET_PER_32 },
};

enum { LEVELS = ARRAY_SIZE(levels) };

/* What a list has said of addresses of a /64 in a row. */
struct said {
	uint64_t when; /* 0: nothing yet */
	uint64_t host; /* the last one's lower half */
	uint32_t address[ADDRESSES];
	uint8_t n, same; /* addresses; how many hosts were answered so */
};

struct network {
	uint64_t prefix;
	uint8_t bits; /* 0: free */
	/* When all of it may be spent again.  What has been spent of it is the
	 * time until then, of a minute. */
	uint64_t whole_at;
};

struct dns_budget {
	uint32_t lookups;
	size_t n_zones;
	struct siphash_key key;
	struct network network[DNS_BUDGET_NETWORKS];
	struct said said[]; /* n_zones for each network */
};

struct dns_budget *
dns_budget_new(uint32_t lookups, size_t n_zones)
{
	struct dns_budget *b = calloc(
	    1, sizeof(*b) + DNS_BUDGET_NETWORKS * n_zones * sizeof(b->said[0]));

	if (!b)
		return NULL;
	b->lookups = lookups;
	b->n_zones = n_zones;
	if (siphash_key_init(&b->key) < 0) {
		free(b);
		return NULL;
	}
	return b;
}

struct dns_budget *
dns_budget_free(struct dns_budget *b)
{
	free(b);
	return NULL;
}

static uint64_t
half_of(const struct in6_addr *addr, size_t from)
{
	uint64_t half = 0;

	for (size_t i = from; i < from + 8; i++)
		half = half << 8 | addr->s6_addr[i];
	return half;
}

/* Its place, or the one of its set that has spent least, made its own. */
static struct network *
find(struct dns_budget *b, const struct in6_addr *addr, const struct level *l)
{
	uint64_t prefix = half_of(addr, 0) >> (64 - l->bits);
	uint64_t name[2] = { prefix, l->bits };
	size_t set = siphash(&b->key, name, sizeof(name)) % SETS;
	struct network *n = &b->network[set * WAYS], *least = n;

	for (size_t i = 0; i < WAYS; i++) {
		if (n[i].bits == l->bits && n[i].prefix == prefix)
			return &n[i];
		if (n[i].whole_at < least->whole_at)
			least = &n[i];
	}
	*least = (struct network){ .prefix = prefix, .bits = l->bits };
	memset(&b->said[(size_t)(least - b->network) * b->n_zones], 0,
	    b->n_zones * sizeof(b->said[0]));
	return least;
}

/* When all may be spent again if one more is now. */
static uint64_t
after_one(const struct dns_budget *b, const struct network *n,
    const struct level *l, uint64_t now)
{
	uint64_t from = n->whole_at > now ? n->whole_at : now;

	return from + MINUTE / ((uint64_t)b->lookups * l->times);
}

bool
dns_budget_spend(
    struct dns_budget *b, const struct in6_addr *addr, uint64_t now)
{
	struct network *n;

	if (cidr_addr_is_v4(addr))
		return true;
	for (size_t i = 0; i < LEVELS; i++) {
		n = find(b, addr, &levels[i]);
		if (after_one(b, n, &levels[i], now) > now + MINUTE)
			return false;
	}
	for (size_t i = 0; i < LEVELS; i++) {
		n = find(b, addr, &levels[i]);
		n->whole_at = after_one(b, n, &levels[i], now);
	}
	return true;
}

/*
 * What lists say of a whole /64
 */

static struct said *
find_said(struct dns_budget *b, const struct in6_addr *addr, size_t zone)
{
	const struct network *n = find(b, addr, &levels[0]);

	return &b->said[(size_t)(n - b->network) * b->n_zones + zone];
}

/* A name server turns its answers round: here they ascend. */
static size_t
sort_addresses(const struct dns_answer *answer, uint32_t ret[ADDRESSES])
{
	size_t n = 0;

	if (answer->more || answer->n > ADDRESSES)
		return 0;
	for (; n < answer->n; n++) {
		const struct in6_addr *a = &answer->address[n];
		uint32_t address = (uint32_t)half_of(a, 8);
		size_t at = n;

		for (; at > 0 && ret[at - 1] > address; at--)
			ret[at] = ret[at - 1];
		ret[at] = address;
	}
	return n;
}

void
dns_budget_note(struct dns_budget *b, const struct in6_addr *addr, size_t zone,
    const struct dns_answer *answer, uint64_t now)
{
	uint64_t host = half_of(addr, 8);
	uint32_t address[ADDRESSES] = { 0 };
	struct said *s;
	size_t n;

	if (cidr_addr_is_v4(addr) || answer->status == DNS_FAILED)
		return;
	s = find_said(b, addr, zone);
	n = answer->status == DNS_FOUND ? sort_addresses(answer, address) : 0;
	if (s->when == 0 || now - s->when > DNS_BUDGET_MEMORY || n != s->n ||
	    memcmp(address, s->address, sizeof(address)) != 0) {
		*s = (struct said){ .n = (uint8_t)n };
		memcpy(s->address, address, sizeof(address));
	}
	if ((s->same == 0 || s->host != host) && s->same < DNS_BUDGET_SAME)
		s->same++;
	s->host = host;
	s->when = now;
}

bool
dns_budget_is_listed(struct dns_budget *b, const struct in6_addr *addr,
    size_t zone, uint64_t now, struct dns_answer *ret)
{
	const struct said *s;

	if (cidr_addr_is_v4(addr))
		return false;
	s = find_said(b, addr, zone);
	if (s->n == 0 || s->same < DNS_BUDGET_SAME ||
	    now - s->when > DNS_BUDGET_MEMORY)
		return false;
	*ret = (struct dns_answer){ .status = DNS_FOUND, .n = s->n };
	for (size_t i = 0; i < s->n; i++) {
		ret->address[i].s6_addr[10] = ret->address[i].s6_addr[11] =
		    0xff;
		for (size_t j = 0; j < 4; j++)
			ret->address[i].s6_addr[12 + j] =
			    (uint8_t)(s->address[i] >> (24 - 8 * j));
	}
	return true;
}
