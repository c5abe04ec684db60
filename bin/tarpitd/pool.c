/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	/* Fewer slots are some dozens of pages, which the next who come would
	 * touch again. */
	TRIM_LEAST = 1024,
	TRIM_MOST = 16384,
};

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

void
pool_discard(void *p, size_t from, size_t to, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = ((uintptr_t)p + from * size + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)p + to * size + page - 1) & ~(page - 1);

	if (start < end)
		(void)madvise((void *)start, end - start, MADV_DONTNEED);
}

/* Words of that level. */
static size_t
words(const struct pool *p, int level)
{
	return (((size_t)p->capacity + 1) >> (6 * (level + 1))) + 1;
}

int
pool_init(struct pool *p, uint32_t capacity)
{
	bool ok;

	memset(p, 0, sizeof(*p));
	p->capacity = capacity;
	p->session = pool_reserve((size_t)capacity + 1, sizeof(*p->session));
	p->cadence = pool_reserve((size_t)capacity + 1, sizeof(*p->cadence));
	ok = p->session != NULL && p->cadence != NULL;
	for (int l = 0; l < POOL_LEVELS; l++) {
		p->used[l] = pool_reserve(words(p, l), sizeof(*p->used[l]));
		ok = ok && p->used[l] != NULL;
	}
	if (!ok) {
		pool_fini(p);
		return -ENOMEM;
	}
	p->used[0][0] = 1; /* POOL_NONE */
	return 0;
}

void
pool_fini(struct pool *p)
{
	pool_release(p->session, (size_t)p->capacity + 1, sizeof(*p->session));
	pool_release(p->cadence, (size_t)p->capacity + 1, sizeof(*p->cadence));
	for (int l = 0; l < POOL_LEVELS; l++)
		pool_release(p->used[l], words(p, l), sizeof(*p->used[l]));
	memset(p, 0, sizeof(*p));
}

static uint32_t
lowest_free(const struct pool *p)
{
	uint64_t slot = 0;

	for (int l = POOL_LEVELS - 1; l >= 0; l--) {
		uint64_t free;

		if (slot >= words(p, l))
			return POOL_NONE;
		free = ~p->used[l][slot];
		if (free == 0)
			return POOL_NONE;
		slot = slot * 64 + (uint64_t)__builtin_ctzll(free);
	}
	return slot <= p->capacity ? (uint32_t)slot : POOL_NONE;
}

static void
mark_used(struct pool *p, uint32_t slot)
{
	for (int l = 0; l < POOL_LEVELS; l++, slot /= 64) {
		p->used[l][slot / 64] |= UINT64_C(1) << slot % 64;
		if (~p->used[l][slot / 64] != 0)
			return;
	}
}

static void
mark_free(struct pool *p, uint32_t slot)
{
	bool full = true;

	for (int l = 0; full && l < POOL_LEVELS; l++, slot /= 64) {
		full = ~p->used[l][slot / 64] == 0;
		p->used[l][slot / 64] &= ~(UINT64_C(1) << slot % 64);
	}
}

/* The highest slot in use that is not above SLOT.  Walks 64 at a time what has
 * become free since it was taken. */
static uint32_t
highest_used(const struct pool *p, uint32_t slot)
{
	uint32_t w = slot / 64;

	while (p->used[0][w] == 0)
		w--; /* POOL_NONE ends it */
	return w * 64 + 63 - (uint32_t)__builtin_clzll(p->used[0][w]);
}

uint32_t
pool_take(struct pool *p)
{
	uint32_t slot = lowest_free(p);

	if (slot == POOL_NONE)
		return POOL_NONE;
	mark_used(p, slot);
	if (p->high < slot)
		p->high = slot;
	if (p->touched < slot)
		p->touched = slot;
	memset(&p->session[slot], 0, sizeof(p->session[slot]));
	p->cadence[slot] = CADENCE_NONE;
	p->live++;
	return slot;
}

void
pool_give_back(struct pool *p, uint32_t slot)
{
	p->session[slot].state = SESSION_FREE;
	mark_free(p, slot);
	if (slot == p->high)
		p->high = highest_used(p, slot);
	p->live--;
}

bool
pool_trim(struct pool *p, uint32_t *ret_from, uint32_t *ret_to)
{
	uint32_t from = p->high + 1;

	if (p->touched - p->high < TRIM_LEAST)
		return false;
	if (p->touched - p->high > TRIM_MOST)
		from = p->touched + 1 - TRIM_MOST;
	*ret_from = from;
	*ret_to = p->touched + 1;
	pool_discard(p->session, from, *ret_to, sizeof(*p->session));
	pool_discard(p->cadence, from, *ret_to, sizeof(*p->cadence));
	p->touched = from - 1;
	return true;
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

struct age_list *
pool_lane(struct pool *p, enum lane lane)
{
	switch (lane) {
	case LANE_THROTTLE:
		return &p->throttled;
	case LANE_HOLD:
		return &p->held;
	case LANE_PASS: /* not slowed by what was decided, but by an operator's
			   release that waits for the line's end */
	case LANE_SLOW:
	case LANE_COUNT:
		break;
	}
	return &p->slow;
}

struct session *
pool_oldest(const struct pool *p, const struct age_list *list)
{
	return list->head == POOL_NONE ? NULL : &p->session[list->head];
}
