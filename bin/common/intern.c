/* SPDX-License-Identifier: ISC */
#include "bin/common/intern.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <string.h>

enum { FIRST_BUCKETS = 256, FIRST_SLOTS = 64 };

struct interned {
	uint32_t hash, next, prev; /* in the bucket's chain */
	uint32_t references;
	uint32_t len;
	alignas(uint32_t) char data[];
};

/* With its slot, its bucket, and what malloc() needs: on most machines a word,
 * and all of it rounded up to two. */
static size_t
memory_of(size_t len)
{
	size_t unit = 2 * sizeof(size_t);
	size_t chunk = sizeof(struct interned) + len + sizeof(size_t);

	return (chunk + unit - 1) / unit * unit + sizeof(struct interned *) +
	    sizeof(uint32_t);
}

int
intern_init(struct intern *in)
{
	int r;

	memset(in, 0, sizeof(*in));
	r = siphash_key_init(&in->key);
	if (r < 0)
		return r;
	in->bucket = calloc(FIRST_BUCKETS, sizeof(*in->bucket));
	in->slot = calloc(FIRST_SLOTS, sizeof(struct interned *));
	if (in->bucket == NULL || in->slot == NULL) {
		intern_fini(in);
		return -ENOMEM;
	}
	in->n_buckets = in->room = FIRST_BUCKETS;
	in->n_slots = FIRST_SLOTS;
	in->high = 1;
	return 0;
}

void
intern_fini(struct intern *in)
{
	for (uint32_t i = 1; i < in->high; i++)
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

/* The number of a slot to use, or INTERN_NONE without memory. */
static uint32_t
take_slot(struct intern *in)
{
	uint32_t number = in->free;

	if (number != INTERN_NONE) {
		in->free = free_next(in->slot[number]);
		return number;
	}
	if (in->high == in->n_slots) {
		struct interned **slot = reallocarray(
		    in->slot, in->n_slots, 2 * sizeof(struct interned *));

		if (slot == NULL)
			return INTERN_NONE;
		in->slot = slot;
		in->n_slots *= 2;
	}
	return in->high++;
}

/* Linear hashing (Litwin, 1980): of the buckets beyond a power of two there
 * are as many as have been split off so far. */
static uint32_t *
bucket_of(const struct intern *in, uint32_t hash)
{
	uint32_t half = 1U << (31 - __builtin_clz(in->n_buckets));
	uint32_t i = hash & (2 * half - 1);

	return &in->bucket[i < in->n_buckets ? i : i - half];
}

static void
link_entry(struct intern *in, uint32_t number)
{
	struct interned *e = in->slot[number];
	uint32_t *bucket = bucket_of(in, e->hash);

	e->prev = INTERN_NONE;
	e->next = *bucket;
	if (e->next != INTERN_NONE)
		in->slot[e->next]->prev = number;
	*bucket = number;
}

static void
unlink_entry(struct intern *in, const struct interned *e)
{
	if (e->next != INTERN_NONE)
		in->slot[e->next]->prev = e->prev;
	if (e->prev != INTERN_NONE)
		in->slot[e->prev]->next = e->next;
	else
		*bucket_of(in, e->hash) = e->next;
}

/* Keeps chains at one entry on average by one bucket more, whose entries are
 * in the one that it is split from.  Without memory for it they are longer,
 * and nothing else changes. */
static void
grow_buckets(struct intern *in)
{
	uint32_t half = 1U << (31 - __builtin_clz(in->n_buckets));
	uint32_t next;

	if (in->n_buckets == in->room) {
		uint32_t *bucket =
		    reallocarray(in->bucket, in->room, 2 * sizeof(*in->bucket));

		if (bucket == NULL)
			return;
		in->bucket = bucket;
		in->room *= 2;
	}
	next = in->bucket[in->n_buckets - half];
	in->bucket[in->n_buckets - half] = INTERN_NONE;
	in->bucket[in->n_buckets++] = INTERN_NONE;
	while (next != INTERN_NONE) {
		uint32_t number = next;

		next = in->slot[number]->next;
		link_entry(in, number);
	}
}

static uint32_t
find(struct intern *in, uint32_t hash, const void *data, size_t len)
{
	uint32_t number = *bucket_of(in, hash);

	while (number != INTERN_NONE) {
		const struct interned *e = in->slot[number];

		in->steps++;
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
	uint32_t hash, number;
	struct interned *e;

	if (len > INTERN_SIZE_MAX)
		return INTERN_NONE;
	hash = (uint32_t)siphash(&in->key, data, len);
	number = find(in, hash, data, len);
	if (number != INTERN_NONE) {
		in->slot[number]->references++;
		return number;
	}
	e = malloc(sizeof(*e) + len);
	if (e == NULL)
		return INTERN_NONE;
	number = take_slot(in);
	if (number == INTERN_NONE) {
		free(e);
		return INTERN_NONE;
	}
	*e = (struct interned){
		.hash = hash,
		.references = 1,
		.len = (uint32_t)len,
	};
	memcpy(e->data, data, len);
	in->slot[number] = e;
	in->bytes += memory_of(len);
	if (in->used++ >= in->n_buckets)
		grow_buckets(in);
	link_entry(in, number);
	return number;
}

const void *
intern_get(const struct intern *in, uint32_t number, size_t *ret_len)
{
	if (number == INTERN_NONE) {
		*ret_len = 0;
		return NULL;
	}
	assert(number < in->high);
	*ret_len = in->slot[number]->len;
	return in->slot[number]->data;
}

size_t
intern_frees(const struct intern *in, uint32_t number)
{
	if (number == INTERN_NONE || in->slot[number]->references > 1)
		return 0;
	return memory_of(in->slot[number]->len);
}

void
intern_release(struct intern *in, uint32_t number)
{
	struct interned *e;

	if (number == INTERN_NONE)
		return;
	e = in->slot[number];
	if (--e->references > 0)
		return;
	unlink_entry(in, e);
	in->bytes -= memory_of(e->len);
	free(e);
	in->slot[number] = free_link(in->free);
	in->free = number;
	in->used--;
}
