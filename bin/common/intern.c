/* SPDX-License-Identifier: ISC */
#include "bin/common/intern.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <string.h>

enum { FIRST_BUCKETS = 256 };

struct interned {
	uint32_t hash, next; /* in the bucket's chain */
	uint32_t references;
	uint16_t len;
	alignas(max_align_t) char data[];
};

/* FNV-1a.  Who floods a bucket with equal hashes gains nothing: an entry is a
 * session, of which there are few enough to walk. */
static uint32_t
hash_bytes(const char *data, size_t len)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 16777619U;
	return hash;
}

int
intern_init(struct intern *in)
{
	memset(in, 0, sizeof(*in));
	in->bucket = calloc(FIRST_BUCKETS, sizeof(*in->bucket));
	in->slot = calloc(1, sizeof(struct interned *));
	if (in->bucket == NULL || in->slot == NULL) {
		intern_fini(in);
		return -ENOMEM;
	}
	in->n_buckets = FIRST_BUCKETS;
	in->n_slots = 1;
	return 0;
}

void
intern_fini(struct intern *in)
{
	for (uint32_t i = 1; i < in->n_slots; i++)
		if (((uintptr_t)in->slot[i] & 1) == 0)
			free(in->slot[i]);
	free(in->slot);
	free(in->bucket);
	memset(in, 0, sizeof(*in));
}

/* An unused slot holds the number of the next one, marked by its lowest bit,
 * which no pointer of malloc()'s has. */
static struct interned *
free_link(uint32_t next)
{
	return (struct interned *)((uintptr_t)next << 1 | 1);
}

static uint32_t
free_next(const struct interned *link)
{
	return (uint32_t)((uintptr_t)link >> 1);
}

static int
grow_slots(struct intern *in)
{
	uint32_t n = in->n_slots * 2;
	struct interned **slot =
	    reallocarray(in->slot, n, sizeof(struct interned *));

	if (slot == NULL)
		return -ENOMEM;
	in->slot = slot;
	for (uint32_t i = n; i-- > in->n_slots;) {
		slot[i] = free_link(in->free);
		in->free = i;
	}
	in->n_slots = n;
	return 0;
}

/* Keeps chains at one entry on average.  Without memory for it they are
 * longer, and nothing else changes. */
static void
grow_buckets(struct intern *in)
{
	uint32_t n = in->n_buckets * 2;
	uint32_t *bucket = calloc(n, sizeof(*bucket));

	if (bucket == NULL)
		return;
	for (uint32_t i = 1; i < in->n_slots; i++) {
		struct interned *e = in->slot[i];

		if (((uintptr_t)e & 1) != 0)
			continue;
		e->next = bucket[e->hash & (n - 1)];
		bucket[e->hash & (n - 1)] = i;
	}
	free(in->bucket);
	in->bucket = bucket;
	in->n_buckets = n;
}

static uint32_t
find(const struct intern *in, uint32_t hash, const void *data, size_t len)
{
	uint32_t number = in->bucket[hash & (in->n_buckets - 1)];

	while (number != INTERN_NONE) {
		const struct interned *e = in->slot[number];

		if (e->hash == hash && e->len == len &&
		    memcmp(e->data, data, len) == 0)
			break;
		number = e->next;
	}
	return number;
}

uint32_t
intern_put(struct intern *in, const void *data, size_t len)
{
	uint32_t hash = hash_bytes(data, len);
	uint32_t number = find(in, hash, data, len);
	uint32_t *bucket;
	struct interned *e;

	if (number != INTERN_NONE) {
		in->slot[number]->references++;
		return number;
	}
	if (len > INTERN_SIZE_MAX || (in->free == 0 && grow_slots(in) < 0))
		return INTERN_NONE;
	e = malloc(sizeof(*e) + len);
	if (e == NULL)
		return INTERN_NONE;
	if (in->used++ >= in->n_buckets)
		grow_buckets(in);
	number = in->free;
	in->free = free_next(in->slot[number]);
	in->slot[number] = e;
	bucket = &in->bucket[hash & (in->n_buckets - 1)];
	*e = (struct interned){ .hash = hash,
		.next = *bucket,
		.references = 1,
		.len = (uint16_t)len };
	memcpy(e->data, data, len);
	*bucket = number;
	return number;
}

const void *
intern_get(const struct intern *in, uint32_t number, size_t *ret_len)
{
	if (number == INTERN_NONE) {
		*ret_len = 0;
		return NULL;
	}
	assert(number < in->n_slots);
	*ret_len = in->slot[number]->len;
	return in->slot[number]->data;
}

void
intern_release(struct intern *in, uint32_t number)
{
	struct interned *e;
	uint32_t *link;

	if (number == INTERN_NONE)
		return;
	e = in->slot[number];
	if (--e->references > 0)
		return;
	link = &in->bucket[e->hash & (in->n_buckets - 1)];
	while (*link != number)
		link = &in->slot[*link]->next;
	*link = e->next;
	free(e);
	in->slot[number] = free_link(in->free);
	in->free = number;
	in->used--;
}
