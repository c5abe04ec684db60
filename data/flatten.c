/* SPDX-License-Identifier: ISC */
#include "data/flatten.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* ARRAY with room for NEED elements of SIZE bytes, moved if need be; NULL, and
 * ARRAY as it was, if there is no memory. */
static void *
grow(void *array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 64;
	void *bigger;

	if (need <= *cap)
		return array;
	while (want < need)
		want *= 2;
	bigger = reallocarray(array, want, size);
	if (bigger)
		*cap = want;
	return bigger;
}

/*
 * Sets
 */

static uint64_t
hash_hits(const struct sets *s, const struct cdbfile_hit *hit, size_t n)
{
	UNINITIALIZED uint64_t words[CDBFILE_LISTS_MAX];

	assert(n <= CDBFILE_LISTS_MAX);
	for (size_t i = 0; i < n; i++)
		words[i] = (uint64_t)hit[i].note << 32 |
		    (uint64_t)hit[i].list << 8 | hit[i].prefix_len;
	return siphash(&s->key, words, n * sizeof(*words));
}

static size_t
set_size(const struct sets *s, uint32_t set)
{
	return s->first[set + 1] - s->first[set];
}

static bool
set_equals(
    const struct sets *s, uint32_t set, const struct cdbfile_hit *hit, size_t n)
{
	const struct cdbfile_hit *own = &s->member[s->first[set]];

	if (set_size(s, set) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (own[i].list != hit[i].list || own[i].note != hit[i].note ||
		    own[i].prefix_len != hit[i].prefix_len)
			return false;
	return true;
}

/* The slot of the set with this content, or the free one where it belongs. */
static uint32_t *
find_slot(const struct sets *s, const struct cdbfile_hit *hit, size_t n)
{
	size_t i = hash_hits(s, hit, n) & (s->n_slots - 1);

	while (s->slot[i] && !set_equals(s, s->slot[i], hit, n))
		i = (i + 1) & (s->n_slots - 1);
	return &s->slot[i];
}

/* At most half of the slots are used, so that find_slot() ends soon. */
static int
rehash(struct sets *s)
{
	size_t n_slots = s->n_slots ? s->n_slots * 2 : 256;
	uint32_t *slot = calloc(n_slots, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	free(s->slot);
	s->slot = slot;
	s->n_slots = n_slots;
	for (uint32_t set = 1; set < s->n; set++)
		*find_slot(s, &s->member[s->first[set]], set_size(s, set)) =
		    set;
	return 0;
}

/* Makes room for one more set, of N members. */
static int
reserve(struct sets *s, size_t n)
{
	uint32_t *first =
	    grow(s->first, &s->first_cap, s->n + 2, sizeof(*s->first));
	struct cdbfile_hit *member;

	if (!first)
		return -ENOMEM;
	s->first = first;
	member = grow(
	    s->member, &s->member_cap, s->n_members + n, sizeof(*s->member));
	if (!member)
		return -ENOMEM;
	s->member = member;
	return 0;
}

int
sets_intern(
    struct sets *s, const struct cdbfile_hit *hit, size_t n, uint32_t *ret_set)
{
	uint32_t *slot = find_slot(s, hit, n);
	int r;

	if (*slot) {
		*ret_set = *slot;
		return 0;
	}
	r = reserve(s, n);
	if (r < 0)
		return r;
	memcpy(&s->member[s->n_members], hit, n * sizeof(*hit));
	*slot = *ret_set = (uint32_t)s->n++;
	s->n_members += n;
	s->first[s->n] = (uint32_t)s->n_members;
	return s->n * 2 > s->n_slots ? rehash(s) : 0;
}

/* PARENT with the prefixes SAME, which are one network in N lists and lie
 * inside all of the parent's: they replace what it has of the same list. */
static int
sets_derive(struct sets *s, uint32_t parent, const struct cdbfile_prefix *same,
    size_t n, uint32_t *ret_set)
{
	struct cdbfile_hit hit[CDBFILE_LISTS_MAX];
	uint32_t i = s->first[parent], end = s->first[parent + 1];
	size_t k = 0, j = 0;

	while (i < end || j < n) {
		assert(k < CDBFILE_LISTS_MAX);
		if (j == n || (i < end && s->member[i].list < same[j].list)) {
			hit[k++] = s->member[i++];
			continue;
		}
		if (i < end && s->member[i].list == same[j].list)
			i++;
		hit[k++] = (struct cdbfile_hit){ .note = same[j].note,
			.list = same[j].list,
			.prefix_len = same[j].cidr.len };
		j++;
	}
	return sets_intern(s, hit, k, ret_set);
}

int
sets_init(struct sets *s)
{
	int r;

	*s = (struct sets){ 0 };
	r = siphash_key_init(&s->key);
	if (r == 0)
		r = reserve(s, 1);
	if (r == 0)
		r = rehash(s);
	if (r < 0) {
		sets_fini(s);
		return r;
	}
	s->first[0] = s->first[1] = 0;
	s->n = 1;
	return 0;
}

void
sets_fini(struct sets *s)
{
	free(s->first);
	free(s->member);
	free(s->slot);
	*s = (struct sets){ 0 };
}

/*
 * The sweep: prefixes are either nested or apart, so that a stack of those
 * that the current address is in is all the state there is.
 */

struct frame {
	struct in6_addr last;
	uint32_t set;
};

struct sweep {
	struct sets *sets;
	struct ranges *out;
	struct frame stack[CIDR_BITS + 2]; /* each length once, and the base */
	size_t depth;
	struct in6_addr next; /* the first address not yet dealt with */
	bool is_past_end;     /* `next` would be 2^128 */
};

static int
addr_compare(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, sizeof(*a));
}

/* Whether the range at NEXT continues the last one put out. */
static bool
continues(const struct sweep *s, uint32_t set)
{
	const struct range *tail;
	struct in6_addr after;

	if (s->out->n == 0)
		return false;
	tail = &s->out->range[s->out->n - 1];
	after = tail->last;
	return tail->set == set && cidr_addr_next(&after) &&
	    addr_compare(&after, &s->next) == 0;
}

/* Everything from NEXT to LAST, if anything, is in SET. */
static int
put_range(struct sweep *s, const struct in6_addr *last, uint32_t set)
{
	struct ranges *out = s->out;
	struct range *range;

	if (s->is_past_end || addr_compare(&s->next, last) > 0)
		return 0;
	if (continues(s, set)) {
		out->range[out->n - 1].last = *last;
	} else if (set != 0) {
		range = grow(out->range, &out->cap, out->n + 1, sizeof(*range));
		if (!range)
			return -ENOMEM;
		out->range = range;
		range[out->n++] = (struct range){ s->next, *last, set };
	}
	s->next = *last;
	s->is_past_end = !cidr_addr_next(&s->next);
	return 0;
}

static int
pop(struct sweep *s)
{
	const struct frame *top = &s->stack[--s->depth];

	return put_range(s, &top->last, top->set);
}

/* Enters the network that SAME[0..N) all are. */
static int
push(struct sweep *s, const struct cdbfile_prefix *same, size_t n)
{
	const struct in6_addr *first = &same->cidr.addr;
	struct frame *top = &s->stack[s->depth - 1];
	struct frame inner = { .last = cidr_last(&same->cidr) };
	int r = 0;

	assert(s->depth < ARRAY_SIZE(s->stack));
	if (addr_compare(&s->next, first) < 0) {
		struct in6_addr before = cidr_addr_before(*first);

		r = put_range(s, &before, top->set);
	}
	if (r == 0)
		r = sets_derive(s->sets, top->set, same, n, &inner.set);
	if (r < 0)
		return r;
	s->stack[s->depth++] = inner;
	return 0;
}

/* How many of PREFIXES (N > 0) are the same network as the first. */
static size_t
count_same(const struct cdbfile_prefix *prefixes, size_t n)
{
	size_t i = 1;

	while (i < n && cidr_compare(&prefixes[i].cidr, &prefixes->cidr) == 0)
		i++;
	return i;
}

int
flatten(struct sets *sets, const struct cdbfile_prefix *prefixes, size_t n,
    const struct cidr *within, uint32_t base, struct ranges *ret_ranges)
{
	struct sweep s = { .sets = sets, .out = ret_ranges };
	int r = 0;

	ret_ranges->n = 0;
	s.next = within->addr;
	s.stack[s.depth++] = (struct frame){ cidr_last(within), base };
	for (size_t i = 0, same; r == 0 && i < n; i += same) {
		const struct in6_addr *first = &prefixes[i].cidr.addr;

		same = count_same(prefixes + i, n - i);
		while (r == 0 &&
		    addr_compare(&s.stack[s.depth - 1].last, first) < 0)
			r = pop(&s);
		if (r == 0)
			r = push(&s, prefixes + i, same);
	}
	while (r == 0 && s.depth > 0)
		r = pop(&s);
	return r;
}
