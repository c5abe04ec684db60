/* SPDX-License-Identifier: ISC */
#include "data/carve.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* One of the prefixes, and where it stood. */
struct entry {
	struct cdbfile_prefix prefix;
	uint32_t order;
	bool is_out;   /* is taken out, rather than in */
	bool is_dirty; /* is in, and something inside of it is not */
};

/* A prefix that the current address is in. */
struct frame {
	struct in6_addr last;
	struct entry *entry;
	struct entry *winner; /* who counts here; NULL: nobody */
};

/* The sweep: prefixes are either nested or apart, so that a stack of those that
 * the current address is in is all the state there is. */
struct sweep {
	bool is_ordered;
	struct frame stack[CIDR_BITS + 2]; /* each length once, and the base */
	size_t depth;
	struct in6_addr next; /* the first address not yet dealt with */
	bool is_past_end;     /* `next` would be 2^128 */
	/* Called for each stretch of addresses with one winner. */
	int (*on_stretch)(struct sweep *, const struct in6_addr *last,
	    const struct entry *winner);
	struct cdbfile_prefix *out;
	size_t n, cap;
};

static bool
is_v4(const struct entry *e)
{
	return cidr_is_v4(&e->prefix.cidr);
}

/* Families apart: an IPv6 prefix may span those of IPv4, and is not around
 * them. */
static int
compare(const void *a, const void *b)
{
	const struct entry *ea = a, *eb = b;
	int order = is_v4(ea) - is_v4(eb);

	if (order == 0)
		order = cidr_compare(&ea->prefix.cidr, &eb->prefix.cidr);
	if (order == 0)
		order = ea->order < eb->order ? -1 : ea->order > eb->order;
	return order;
}

/* Of entries that are one network the one that counts stays; how many do. */
static size_t
merge_same(struct entry *entries, size_t n, bool is_ordered)
{
	size_t kept = 0;

	for (size_t i = 1; i < n; i++) {
		struct entry *last = &entries[kept];

		if (is_v4(last) != is_v4(&entries[i]) ||
		    cidr_compare(&last->prefix.cidr, &entries[i].prefix.cidr))
			entries[++kept] = entries[i];
		else if (!is_ordered)
			last->is_out |= entries[i].is_out;
	}
	return n > 0 ? kept + 1 : 0;
}

/*
 * The sweep
 */

/* All from `next` to LAST, if there is anything, is WINNER's. */
static int
pass(struct sweep *s, const struct in6_addr *last, const struct entry *winner)
{
	int r = 0;

	if (s->is_past_end || memcmp(&s->next, last, sizeof(*last)) > 0)
		return 0;
	if (winner)
		r = s->on_stretch(s, last, winner);
	s->next = *last;
	s->is_past_end = !cidr_addr_next(&s->next);
	return r;
}

static int
pop(struct sweep *s)
{
	const struct frame *top = &s->stack[--s->depth];

	return pass(s, &top->last, top->winner);
}

static int
push(struct sweep *s, struct entry *e)
{
	const struct frame *top = &s->stack[s->depth - 1];
	struct frame inner = { cidr_last(&e->prefix.cidr), e, e };
	int r = 0;

	assert(s->depth < ARRAY_SIZE(s->stack));
	if (memcmp(&s->next, &e->prefix.cidr.addr, sizeof(s->next)) < 0) {
		struct in6_addr before = cidr_addr_before(e->prefix.cidr.addr);

		r = pass(s, &before, top->winner);
	}
	if (s->is_ordered && top->winner && top->winner->order < e->order)
		inner.winner = top->winner;
	s->stack[s->depth++] = inner;
	if (!inner.winner->is_out)
		return r;
	for (size_t i = 1; i < s->depth; i++)
		s->stack[i].entry->is_dirty = true;
	return r;
}

/* Over ENTRIES of one family. */
static int
sweep(struct sweep *s, struct entry *entries, size_t n)
{
	int r = 0;

	s->depth = 1;
	memset(&s->stack[0].last, 0xff, sizeof(s->stack[0].last));
	s->stack[0].entry = s->stack[0].winner = NULL;
	memset(&s->next, 0, sizeof(s->next));
	s->is_past_end = false;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct in6_addr *first = &entries[i].prefix.cidr.addr;

		while (r == 0 &&
		    memcmp(&s->stack[s->depth - 1].last, first,
			sizeof(*first)) < 0)
			r = pop(s);
		if (r == 0)
			r = push(s, &entries[i]);
	}
	while (r == 0 && s->depth > 0)
		r = pop(s);
	return r;
}

/*
 * What comes out
 */

static int
put(struct sweep *s, struct cdbfile_prefix prefix)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 1024;
		void *bigger = reallocarray(s->out, cap, sizeof(*s->out));

		if (!bigger)
			return -ENOMEM;
		s->out = bigger;
		s->cap = cap;
	}
	prefix.list = 0;
	s->out[s->n++] = prefix;
	return 0;
}

/* The first pass only finds out who is dirty. */
static int
ignore(struct sweep *s, const struct in6_addr *last, const struct entry *winner)
{
	(void)s;
	(void)last;
	(void)winner;
	return 0;
}

/* What is left of a network that something is taken out of. */
static int
put_stretch(
    struct sweep *s, const struct in6_addr *last, const struct entry *winner)
{
	struct cdbfile_prefix piece = winner->prefix;
	struct in6_addr first = s->next;
	bool more = !winner->is_out && winner->is_dirty;
	int r = 0;

	while (r == 0 && more) {
		more = cidr_take_range(&first, last, &piece.cidr);
		r = put(s, piece);
	}
	return r;
}

static int
put_whole(struct sweep *s, const struct entry *entries, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!entries[i].is_out && !entries[i].is_dirty)
			r = put(s, entries[i].prefix);
	return r;
}

static int
carve_entries(struct sweep *s, struct entry *entries, size_t n)
{
	size_t n_v6 = 0;
	int r = 0;

	qsort(entries, n, sizeof(*entries), compare);
	n = merge_same(entries, n, s->is_ordered);
	while (n_v6 < n && !is_v4(&entries[n_v6]))
		n_v6++;
	for (int i = 0; r == 0 && i < 2; i++) {
		s->on_stretch = i == 0 ? ignore : put_stretch;
		r = sweep(s, entries, n_v6);
		if (r == 0)
			r = sweep(s, entries + n_v6, n - n_v6);
	}
	return r < 0 ? r : put_whole(s, entries, n);
}

int
carve(struct cdbfile_prefix *prefixes, size_t n, bool is_ordered,
    struct cdbfile_prefix **ret, size_t *ret_n)
{
	AUTO_FREE struct entry *entries = calloc(n + 1, sizeof(*entries));
	struct sweep s = { .is_ordered = is_ordered };
	int r;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		entries[i] = (struct entry){ .prefix = prefixes[i],
			.order = (uint32_t)i,
			.is_out = prefixes[i].list != 0 };
	r = carve_entries(&s, entries, n);
	if (r < 0) {
		free(s.out);
		return r;
	}
	*ret = s.out;
	*ret_n = s.n;
	return 0;
}
