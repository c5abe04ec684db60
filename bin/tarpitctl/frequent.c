/* SPDX-License-Identifier: ISC */
#include "bin/tarpitctl/frequent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

int
frequent_init(struct frequent *t, uint32_t size)
{
	int r;

	*t = (struct frequent){ .size = size, .n_buckets = 2 * size };
	r = siphash_key_init(&t->key);
	if (r < 0)
		return r;
	t->entry = calloc(size, sizeof(*t->entry));
	t->heap = calloc(size, sizeof(*t->heap));
	t->bucket = calloc(t->n_buckets, sizeof(*t->bucket));
	if (t->entry == NULL || t->heap == NULL || t->bucket == NULL) {
		frequent_fini(t);
		return -ENOMEM;
	}
	memset(t->bucket, 0xff, t->n_buckets * sizeof(*t->bucket));
	return 0;
}

void
frequent_fini(struct frequent *t)
{
	free(t->entry);
	free(t->heap);
	free(t->bucket);
	*t = (struct frequent){ 0 };
}

static uint32_t *
bucket_of(const struct frequent *t, const char *key)
{
	return &t->bucket[siphash(&t->key, key, strlen(key)) % t->n_buckets];
}

static void
unlink_entry(struct frequent *t, uint32_t index)
{
	uint32_t *at = bucket_of(t, t->entry[index].key);

	while (*at != index)
		at = &t->entry[*at].next;
	*at = t->entry[index].next;
}

static void
put_heap(struct frequent *t, uint32_t place, uint32_t index)
{
	t->heap[place] = index;
	t->entry[index].heap = place;
}

/* Counts only grow, by one: an entry moves towards the leaves, and a new one
 * with a count of 1 is the least of all when it is put at the end. */
static void
sift_down(struct frequent *t, uint32_t place)
{
	uint32_t index = t->heap[place];
	uint64_t count = t->entry[index].count;

	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child >= t->n)
			break;
		if (child + 1 < t->n &&
		    t->entry[t->heap[child + 1]].count <
			t->entry[t->heap[child]].count)
			child++;
		if (t->entry[t->heap[child]].count >= count)
			break;
		put_heap(t, place, t->heap[child]);
		place = child;
	}
	put_heap(t, place, index);
}

static void
sift_up(struct frequent *t, uint32_t place)
{
	uint32_t index = t->heap[place];
	uint64_t count = t->entry[index].count;

	while (place > 0) {
		uint32_t parent = (place - 1) / 2;

		if (t->entry[t->heap[parent]].count <= count)
			break;
		put_heap(t, place, t->heap[parent]);
		place = parent;
	}
	put_heap(t, place, index);
}

/* An entry for a key that has none: an unused one, or the one with the least
 * count, which the new key inherits as its possible error. */
static uint32_t
claim_entry(struct frequent *t, const char *key)
{
	uint32_t index, *head;
	uint64_t inherited = 0;

	if (t->n < t->size) {
		index = t->n++;
		put_heap(t, index, index);
	} else {
		index = t->heap[0];
		inherited = t->entry[index].count;
		unlink_entry(t, index);
	}
	head = bucket_of(t, key);
	t->entry[index] = (struct frequent_entry){
		.count = inherited,
		.error = inherited,
		.next = *head,
		.heap = t->entry[index].heap,
	};
	memcpy(t->entry[index].key, key, strlen(key) + 1);
	*head = index;
	return index;
}

struct frequent_entry *
frequent_add(struct frequent *t, const char *key, bool *ret_fresh)
{
	char cut[FREQUENT_KEY_SIZE] = "";
	uint32_t index;
	bool fresh;

	memcpy(cut, key, strnlen(key, sizeof(cut) - 1));
	index = *bucket_of(t, cut);
	while (index != NONE && strcmp(t->entry[index].key, cut) != 0)
		index = t->entry[index].next;
	fresh = index == NONE;
	if (fresh)
		index = claim_entry(t, cut);
	t->added++;
	t->entry[index].count++;
	sift_up(t, t->entry[index].heap);
	sift_down(t, t->entry[index].heap);
	if (ret_fresh != NULL)
		*ret_fresh = fresh;
	return &t->entry[index];
}

size_t
frequent_index(const struct frequent *t, const struct frequent_entry *e)
{
	return (size_t)(e - t->entry);
}

static bool
is_before(const struct frequent_entry *a, const struct frequent_entry *b)
{
	if (a->count != b->count)
		return a->count > b->count;
	return strcmp(a->key, b->key) < 0;
}

size_t
frequent_list(
    const struct frequent *t, const struct frequent_entry **ret, size_t n)
{
	size_t found = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		const struct frequent_entry *e = &t->entry[i];
		size_t at = found;

		while (at > 0 && is_before(e, ret[at - 1]))
			at--;
		if (at == n)
			continue;
		if (found < n)
			found++;
		memmove(
		    &ret[at + 1], &ret[at], (found - 1 - at) * sizeof(*ret));
		ret[at] = e;
	}
	return found;
}

uint64_t
frequent_error(const struct frequent *t)
{
	uint64_t worst = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		if (t->entry[i].error > worst)
			worst = t->entry[i].error;
	}
	return worst;
}
