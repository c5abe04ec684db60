/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/clients.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "bin/tarpitd/pool.h"

/* The address's first 64 bits, or an IPv4 address, with zeros past the width;
 * and what tells equal bits of different meaning apart. */
struct client_key {
	uint64_t prefix;
	uint64_t kind; /* 1 + enum client_width, 8 more for IPv4 */
};

struct client_count {
	uint64_t prefix;
	uint32_t count;
	uint32_t next : 28; /* in the bucket's chain */
	uint32_t kind : 4;
};

_Static_assert(sizeof(struct client_count) == 16, "20 bytes with the bucket");

enum { NODES_MAX = (1 << 28) - 1 };

/* ---- keys ---- */

/* Bits of the prefix, in the family's own count; 0: there is no such width. */
static unsigned int
prefix_length(bool ipv4, enum client_width width)
{
	static const uint8_t lengths[2][CLIENT_WIDTHS] = {
		{ [CLIENT_HOST] = 64,
		    [CLIENT_NETWORK] = 56,
		    [CLIENT_SITE] = 48 },
		{ [CLIENT_HOST] = 32, [CLIENT_NETWORK] = 24 },
	};

	return lengths[ipv4][width];
}

static uint64_t
first_bits(const uint8_t *bytes, unsigned int n)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < n / 8; i++)
		bits = bits << 8 | bytes[i];
	return bits;
}

/* False if the address has no such width. */
static bool
make_key(const struct in6_addr *address, enum client_width width,
    struct client_key *ret)
{
	bool ipv4 = IN6_IS_ADDR_V4MAPPED(address);
	unsigned int len = prefix_length(ipv4, width);

	if (len == 0)
		return false;
	ret->prefix = first_bits(address->s6_addr + (ipv4 ? 12 : 0), len);
	ret->kind = (uint64_t)width + 1 + (ipv4 ? 8 : 0);
	return true;
}

bool
clients_prefix(const struct in6_addr *address, enum client_width width,
    struct in6_addr *ret, unsigned int *ret_len)
{
	bool ipv4 = IN6_IS_ADDR_V4MAPPED(address);
	unsigned int len = prefix_length(ipv4, width);
	size_t bytes = (len + (ipv4 ? 96 : 0)) / 8;

	if (len == 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, address, bytes);
	*ret_len = len;
	return true;
}

/* ---- the table ---- */

/*
 * Linear hashing (Litwin, 1980): there are as many buckets as nodes, and one
 * more node splits one bucket, so no insertion ever waits for a table to be
 * rehashed, and memory is as much as is needed.
 */
static uint32_t
bucket_of(const struct clients *c, const struct client_key *key)
{
	uint64_t hash = siphash(&c->key, key, sizeof(*key));
	uint32_t last = c->n_buckets - 1;
	uint32_t mask = last == 0 ? 0 : UINT32_MAX >> __builtin_clz(last);
	uint32_t i = (uint32_t)hash & mask;

	return i <= last ? i : i & mask >> 1;
}

static struct client_key
key_of(const struct client_count *node)
{
	return (struct client_key){ node->prefix, node->kind };
}

static bool
is_of(const struct client_count *node, const struct client_key *key)
{
	return node->prefix == key->prefix && node->kind == key->kind;
}

static uint32_t
find(const struct clients *c, const struct client_key *key)
{
	uint32_t i = c->bucket[bucket_of(c, key)];

	while (i != 0 && !is_of(&c->node[i], key))
		i = c->node[i].next;
	return i;
}

/* The bucket that a new last one takes nodes from, or gives them back to. */
static uint32_t
parent_of(uint32_t bucket)
{
	return bucket & ~(UINT32_C(1) << (31 - __builtin_clz(bucket)));
}

static void
push(struct clients *c, uint32_t bucket, uint32_t i)
{
	c->node[i].next = c->bucket[bucket] & NODES_MAX;
	c->bucket[bucket] = i;
}

static void
split(struct clients *c)
{
	uint32_t parent = parent_of(c->n_buckets);
	uint32_t i = c->bucket[parent];

	c->bucket[c->n_buckets++] = 0;
	c->bucket[parent] = 0;
	while (i != 0) {
		struct client_key key = key_of(&c->node[i]);
		uint32_t next = c->node[i].next;

		push(c, bucket_of(c, &key), i);
		i = next;
	}
}

static void
merge(struct clients *c)
{
	uint32_t last = --c->n_buckets;
	uint32_t parent = parent_of(last);
	uint32_t i = c->bucket[last];

	while (i != 0) {
		uint32_t next = c->node[i].next;

		push(c, parent, i);
		i = next;
	}
}

static uint32_t
insert(struct clients *c, const struct client_key *key)
{
	uint32_t i = ++c->n;

	assert(i <= c->capacity);
	if (c->n_touched < i)
		c->n_touched = i;
	if (c->n_buckets < c->n)
		split(c);
	c->node[i] = (struct client_count){ .prefix = key->prefix,
		.kind = key->kind & 15 };
	push(c, bucket_of(c, key), i);
	return i;
}

static void
unlink_node(struct clients *c, uint32_t i)
{
	struct client_key key = key_of(&c->node[i]);
	uint32_t bucket = bucket_of(c, &key);
	uint32_t at = c->bucket[bucket];

	if (at == i) {
		c->bucket[bucket] = c->node[i].next;
		return;
	}
	while (c->node[at].next != i)
		at = c->node[at].next;
	c->node[at].next = c->node[i].next;
}

/* The last node fills the gap. */
static void delete (struct clients *c, uint32_t i)
{
	uint32_t last = c->n;

	unlink_node(c, i);
	if (i != last) {
		struct client_key key = key_of(&c->node[last]);

		unlink_node(c, last);
		c->node[i] = c->node[last];
		push(c, bucket_of(c, &key), i);
	}
	c->n--;
	if (c->n_buckets > 1 && c->n_buckets > c->n)
		merge(c);
}

int
clients_init(struct clients *c, uint32_t clients)
{
	uint64_t nodes = (uint64_t)clients * CLIENT_WIDTHS;
	int r;

	memset(c, 0, sizeof(*c));
	r = siphash_key_init(&c->key);
	if (r < 0)
		return r;
	c->capacity = nodes < NODES_MAX ? (uint32_t)nodes : NODES_MAX;
	c->node = pool_reserve((size_t)c->capacity + 1, sizeof(*c->node));
	c->bucket = pool_reserve((size_t)c->capacity + 1, sizeof(*c->bucket));
	c->n_buckets = 1;
	if (c->node == NULL || c->bucket == NULL) {
		clients_fini(c);
		return -ENOMEM;
	}
	return 0;
}

void
clients_fini(struct clients *c)
{
	pool_release(c->node, (size_t)c->capacity + 1, sizeof(*c->node));
	pool_release(c->bucket, (size_t)c->capacity + 1, sizeof(*c->bucket));
	memset(c, 0, sizeof(*c));
}

void
clients_add(struct clients *c, const struct in6_addr *address, uint32_t n)
{
	for (int w = 0; w < CLIENT_WIDTHS; w++) {
		struct client_key key;
		uint32_t i;

		if (n == 0 || !make_key(address, (enum client_width)w, &key))
			continue;
		i = find(c, &key);
		if (i == 0)
			i = insert(c, &key);
		c->node[i].count += n;
	}
}

void
clients_remove(struct clients *c, const struct in6_addr *address, uint32_t n)
{
	for (int w = 0; w < CLIENT_WIDTHS; w++) {
		struct client_key key;
		uint32_t i;

		if (n == 0 || !make_key(address, (enum client_width)w, &key))
			continue;
		i = find(c, &key);
		assert(i != 0 && c->node[i].count >= n);
		c->node[i].count -= n;
		if (c->node[i].count == 0)
			delete (c, i);
	}
}

uint32_t
clients_count(const struct clients *c, const struct in6_addr *address,
    enum client_width width)
{
	struct client_key key;
	uint32_t i;

	if (!make_key(address, width, &key))
		return 0;
	i = find(c, &key);
	return i != 0 ? c->node[i].count : 0;
}

uint32_t
clients_count_widest(const struct clients *c, const struct in6_addr *address)
{
	return clients_count(c, address,
	    IN6_IS_ADDR_V4MAPPED(address) ? CLIENT_NETWORK : CLIENT_SITE);
}

enum client_width
clients_exceeds(const struct clients *c, const struct in6_addr *address,
    const struct client_limits *limits)
{
	for (int w = 0; w < CLIENT_WIDTHS; w++)
		if (limits->max[w] != 0 &&
		    clients_count(c, address, (enum client_width)w) >
			limits->max[w])
			return (enum client_width)w;
	return CLIENT_WIDTHS;
}

void
clients_clear(struct clients *c)
{
	c->n = 0;
	c->n_buckets = 1;
	c->bucket[0] = 0;
}

void
clients_trim(struct clients *c)
{
	if (c->n_touched - c->n < 1024)
		return;
	pool_discard(c->node, c->n + 1, c->n_touched + 1, sizeof(*c->node));
	pool_discard(c->bucket, c->n_buckets, c->n_touched, sizeof(*c->bucket));
	c->n_touched = c->n;
}

bool
clients_check(const struct clients *c)
{
	uint32_t seen = 0;

	if (c->n_buckets != (c->n > 0 ? c->n : 1))
		return false;
	for (uint32_t b = 0; b < c->n_buckets; b++)
		for (uint32_t i = c->bucket[b]; i != 0; i = c->node[i].next) {
			struct client_key key = key_of(&c->node[i]);

			if (i > c->n || c->node[i].count == 0 ||
			    bucket_of(c, &key) != b)
				return false;
			seen++;
		}
	return seen == c->n;
}
