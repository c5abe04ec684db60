/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void *
pool_reserve(size_t n, size_t size)
{
	void *p = mmap(NULL, n * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void
pool_release(void *p, size_t n, size_t size)
{
	if (p != NULL)
		munmap(p, n * size);
}

int
pool_init(struct pool *p, uint32_t capacity)
{
	uint32_t buckets = 64;
	int r;

	while (buckets < capacity)
		buckets *= 2;
	memset(p, 0, sizeof(*p));
	r = siphash_key_init(&p->key);
	if (r < 0)
		return r;
	p->capacity = capacity;
	p->bucket_mask = buckets - 1;
	p->session = pool_reserve((size_t)capacity + 1, sizeof(*p->session));
	p->cadence = pool_reserve((size_t)capacity + 1, sizeof(*p->cadence));
	p->bucket = pool_reserve(buckets, sizeof(*p->bucket));
	if (p->session == NULL || p->cadence == NULL || p->bucket == NULL) {
		pool_fini(p);
		return -ENOMEM;
	}
	return 0;
}

void
pool_fini(struct pool *p)
{
	pool_release(p->session, (size_t)p->capacity + 1, sizeof(*p->session));
	pool_release(p->cadence, (size_t)p->capacity + 1, sizeof(*p->cadence));
	pool_release(p->bucket, (size_t)p->bucket_mask + 1, sizeof(*p->bucket));
	memset(p, 0, sizeof(*p));
}

uint32_t
pool_take(struct pool *p)
{
	uint32_t slot = p->free;

	if (slot != POOL_NONE)
		p->free = p->session[slot].age_next;
	else if (p->high < p->capacity)
		slot = ++p->high;
	else
		return POOL_NONE;
	memset(&p->session[slot], 0, sizeof(p->session[slot]));
	p->cadence[slot] = CADENCE_NONE;
	p->live++;
	return slot;
}

void
pool_give_back(struct pool *p, uint32_t slot)
{
	struct session *s = &p->session[slot];

	s->state = SESSION_FREE;
	s->age_next = p->free;
	p->free = slot;
	p->live--;
}

/* Where clients that count as one fall together. */
static uint32_t *
client_bucket(const struct pool *p, const struct in6_addr *client)
{
	size_t n = IN6_IS_ADDR_V4MAPPED(client) ? 16 : 8;

	return &p->bucket[siphash(&p->key, client, n) & p->bucket_mask];
}

static bool
is_same_client(const struct in6_addr *a, const struct in6_addr *b)
{
	/* ::ffff:0:0/96 is in the /64 of ::1. */
	bool whole = IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4MAPPED(b);
	size_t n = whole ? 16 : 8;

	return memcmp(a, b, n) == 0;
}

uint32_t
pool_count_client(
    const struct pool *p, const struct in6_addr *client, uint32_t limit)
{
	uint32_t slot = *client_bucket(p, client);
	uint32_t n = 0;

	while (slot != POOL_NONE && n < limit) {
		const struct session *s = &p->session[slot];

		if (is_same_client(client, &s->client))
			n++;
		slot = s->client_next;
	}
	return n;
}

void
pool_link_client(struct pool *p, struct session *s)
{
	uint32_t *bucket = client_bucket(p, &s->client);

	s->client_prev = POOL_NONE;
	s->client_next = *bucket;
	*bucket = pool_slot(p, s);
	if (s->client_next != POOL_NONE)
		p->session[s->client_next].client_prev = *bucket;
}

void
pool_unlink_client(struct pool *p, struct session *s)
{
	if (s->client_next != POOL_NONE)
		p->session[s->client_next].client_prev = s->client_prev;
	if (s->client_prev != POOL_NONE)
		p->session[s->client_prev].client_next = s->client_next;
	else
		*client_bucket(p, &s->client) = s->client_next;
}

void
pool_append(struct pool *p, struct age_list *list, struct session *s)
{
	uint32_t slot = pool_slot(p, s);

	s->age_next = POOL_NONE;
	s->age_prev = list->tail;
	if (list->tail != POOL_NONE)
		p->session[list->tail].age_next = slot;
	else
		list->head = slot;
	list->tail = slot;
	list->n++;
}

void
pool_remove(struct pool *p, struct age_list *list, struct session *s)
{
	assert(list->n > 0);
	if (s->age_next != POOL_NONE)
		p->session[s->age_next].age_prev = s->age_prev;
	else
		list->tail = s->age_prev;
	if (s->age_prev != POOL_NONE)
		p->session[s->age_prev].age_next = s->age_next;
	else
		list->head = s->age_next;
	list->n--;
}

struct session *
pool_oldest(const struct pool *p, const struct age_list *list)
{
	return list->head == POOL_NONE ? NULL : &p->session[list->head];
}
