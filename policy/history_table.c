/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "bin/common/siphash.h"
#include "policy/history_table.h"

enum { WAYS = 8, SIZE_MIN = 64 };

_Static_assert(sizeof(struct history_record) == 40, "as the header says");

struct history_table {
	size_t size, used, swept; /* places; `swept` is the next to look at */
	struct siphash_key key;
	struct history_record *place;
};

int
history_table_new(size_t max, struct history_table **ret)
{
	struct history_table *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	r = siphash_key_init(&t->key);
	if (r < 0) {
		free(t);
		return r;
	}
	for (t->size = SIZE_MIN; t->size < max;)
		t->size *= 2;
	t->place = calloc(t->size, sizeof(*t->place));
	if (!t->place) {
		free(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

struct history_table *
history_table_free(struct history_table *t)
{
	if (t) {
		free(t->place);
		free(t);
	}
	return NULL;
}

/* The first of the places that KEY may have. */
static struct history_record *
find_places(const struct history_table *t, const struct history_key *key)
{
	uint64_t words[] = { key->bits, key->scope };
	uint64_t h = siphash(&t->key, words, sizeof(words));

	return &t->place[h & (t->size - 1) & ~(uint64_t)(WAYS - 1)];
}

static bool
is_of(const struct history_record *rec, const struct history_key *key)
{
	return rec->bits == key->bits && rec->scope == key->scope;
}

struct history_record *
history_table_find(struct history_table *t, const struct history_key *key)
{
	struct history_record *rec = find_places(t, key);

	for (size_t i = 0; i < WAYS; i++) {
		if (is_of(&rec[i], key))
			return &rec[i];
	}
	return NULL;
}

/* A free place of the WAYS at REC, or that of the record that fades first. */
static struct history_record *
choose_place(struct history_record *rec, const struct history_fading *fading)
{
	struct history_record *first = NULL;
	uint32_t expires = 0;

	for (size_t i = 0; i < WAYS; i++) {
		uint32_t e;

		if (rec[i].scope == HISTORY_NOBODY)
			return &rec[i];
		e = history_expires(&rec[i], fading);
		if (!first || e < expires) {
			first = &rec[i];
			expires = e;
		}
	}
	return first;
}

struct history_record *
history_table_put(struct history_table *t, const struct history_fading *fading,
    const struct history_key *key, struct history_record *ret_gone)
{
	struct history_record *rec = history_table_find(t, key);

	ret_gone->scope = HISTORY_NOBODY;
	if (rec)
		return rec;
	rec = choose_place(find_places(t, key), fading);
	*ret_gone = *rec;
	t->used += rec->scope == HISTORY_NOBODY;
	memset(rec, 0, sizeof(*rec));
	rec->bits = key->bits;
	rec->scope = (uint8_t)key->scope;
	return rec;
}

void
history_table_sweep(struct history_table *t,
    const struct history_fading *fading, size_t n, uint32_t now,
    void (*gone)(void *arg, const struct history_record *), void *arg)
{
	while (n-- > 0) {
		struct history_record *rec = &t->place[t->swept];

		t->swept = (t->swept + 1) & (t->size - 1);
		if (rec->scope == HISTORY_NOBODY ||
		    history_expires(rec, fading) > now)
			continue;
		gone(arg, rec);
		memset(rec, 0, sizeof(*rec));
		t->used--;
	}
}

void
history_table_walk(struct history_table *t,
    void (*each)(void *arg, struct history_record *), void *arg)
{
	for (size_t i = 0; i < t->size; i++) {
		if (t->place[i].scope != HISTORY_NOBODY)
			each(arg, &t->place[i]);
	}
}

size_t
history_table_used(const struct history_table *t)
{
	return t->used;
}

size_t
history_table_size(const struct history_table *t)
{
	return t->size;
}
