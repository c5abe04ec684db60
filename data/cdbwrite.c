/* SPDX-License-Identifier: ISC */
/* The writer of compiled lists; the reader is cdbfile.c. */
#include <cdb.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/cdbfile.h"
#include "data/cdblayout.h"
#include "data/flatten.h"

struct writer {
	struct cdb_make cdb;
	struct sets sets;
	const struct cdbfile_content *content;
	struct cdbfile_prefix *part; /* room for all prefixes */
	struct ranges wide, bucket;
	uint8_t *buf; /* a record being encoded */
	size_t buf_size;
	uint32_t n_buckets[LAYOUT_FAMILIES];
};

/*
 * Order
 */

static int
compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* What makes two entries one, and the order of the file. */
static int
compare_prefixes(const struct cdbfile_prefix *a, const struct cdbfile_prefix *b)
{
	int order = cidr_compare(&a->cidr, &b->cidr);

	return order != 0 ? order : (int)a->list - (int)b->list;
}

static int
compare_asns(const struct cdbfile_asn *a, const struct cdbfile_asn *b)
{
	int order = compare_numbers(a->asn, b->asn);

	return order != 0 ? order : (int)a->list - (int)b->list;
}

/* By note in the end, so that which one of two equals stays is no chance. */
static int
order_prefixes(const void *a, const void *b)
{
	const struct cdbfile_prefix *pa = a, *pb = b;
	int order = compare_prefixes(pa, pb);

	return order != 0 ? order : compare_numbers(pa->note, pb->note);
}

static int
order_asns(const void *a, const void *b)
{
	const struct cdbfile_asn *pa = a, *pb = b;
	int order = compare_asns(pa, pb);

	return order != 0 ? order : compare_numbers(pa->note, pb->note);
}

size_t
cdbfile_sort(struct cdbfile_prefix *prefixes, size_t n)
{
	size_t kept = 0;

	if (n == 0)
		return 0;
	qsort(prefixes, n, sizeof(*prefixes), order_prefixes);
	for (size_t i = 1; i < n; i++)
		if (compare_prefixes(&prefixes[kept], &prefixes[i]) != 0)
			prefixes[++kept] = prefixes[i];
	return kept + 1;
}

size_t
cdbfile_sort_asns(struct cdbfile_asn *asns, size_t n)
{
	size_t kept = 0;

	if (n == 0)
		return 0;
	qsort(asns, n, sizeof(*asns), order_asns);
	for (size_t i = 1; i < n; i++)
		if (compare_asns(&asns[kept], &asns[i]) != 0)
			asns[++kept] = asns[i];
	return kept + 1;
}

static bool
are_lists_sane(const struct cdbfile_content *c)
{
	for (size_t i = 0; i < c->n_lists; i++)
		if (strlen(c->lists[i].name) > CDBFILE_NAME_MAX ||
		    strlen(c->lists[i].source) > CDBFILE_SOURCE_MAX ||
		    (i > 0 &&
			strcmp(c->lists[i - 1].name, c->lists[i].name) >= 0))
			return false;
	return true;
}

static bool
is_note_sane(const struct cdbfile_content *c, uint32_t note)
{
	return note == 0 ||
	    (note < c->notes_size && c->notes[note - 1] == '\0' &&
		c->notes[c->notes_size - 1] == '\0');
}

static bool
are_entries_sane(const struct cdbfile_content *c)
{
	const struct cdbfile_prefix *p = c->prefixes;
	const struct cdbfile_asn *a = c->asns;

	for (size_t i = 0; i < c->n_prefixes; i++)
		if (p[i].list >= c->n_lists || !is_note_sane(c, p[i].note) ||
		    (i > 0 && compare_prefixes(&p[i - 1], &p[i]) >= 0))
			return false;
	for (size_t i = 0; i < c->n_asns; i++)
		if (a[i].list >= c->n_lists || !is_note_sane(c, a[i].note) ||
		    (i > 0 && compare_asns(&a[i - 1], &a[i]) >= 0))
			return false;
	return true;
}

/*
 * Records
 */

/* libcdb sets errno, but promises it nowhere; that it has no memory for another
 * record it calls ENOENT. */
static int
cdb_error(void)
{
	if (errno == ENOENT)
		return -ENOMEM;
	return errno > 0 ? -errno : -EIO;
}

static int
put_record(struct writer *w, const void *key, size_t key_len, const void *val,
    size_t len)
{
	if (len > CDBFILE_SIZE_MAX)
		return -EFBIG;
	errno = 0;
	if (cdb_make_add(&w->cdb, key, (unsigned)key_len, val, (unsigned)len))
		return cdb_error();
	return 0;
}

/* Room for a record of SIZE bytes in w->buf. */
static int
reserve(struct writer *w, size_t size)
{
	uint8_t *bigger;

	if (size <= w->buf_size)
		return 0;
	bigger = realloc(w->buf, size);
	if (!bigger)
		return -ENOMEM;
	w->buf = bigger;
	w->buf_size = size;
	return 0;
}

/* R as a record of entries with the WIDTH address bytes that start at AT. */
static int
put_ranges(struct writer *w, const void *key, size_t key_len,
    const struct ranges *r, size_t at, size_t width)
{
	size_t len = layout_range_len(width);
	int error = reserve(w, r->n * len);

	if (error < 0)
		return error;
	for (size_t i = 0; i < r->n; i++) {
		uint8_t *p = w->buf + i * len;

		memcpy(p, &r->range[i].first.s6_addr[at], width);
		memcpy(p + width, &r->range[i].last.s6_addr[at], width);
		layout_put32(p + 2 * width, r->range[i].set);
	}
	return put_record(w, key, key_len, w->buf, r->n * len);
}

static int
put_list(struct writer *w, const struct cdbfile_list *list, size_t number)
{
	uint8_t key[6] = "list";
	uint8_t val[LAYOUT_LIST_NAME + CDBFILE_NAME_MAX + CDBFILE_SOURCE_MAX +
	    2] = { 0 };
	size_t name_len = strlen(list->name) + 1;
	size_t source_len = strlen(list->source) + 1;

	layout_put16(key + 4, (uint16_t)number);
	val[LAYOUT_LIST_KIND] = (uint8_t)list->kind;
	layout_put32(val + LAYOUT_LIST_ENTRIES, list->entries);
	layout_put64(val + LAYOUT_LIST_UPDATED, list->updated);
	memcpy(val + LAYOUT_LIST_NAME, list->name, name_len);
	memcpy(val + LAYOUT_LIST_NAME + name_len, list->source, source_len);
	return put_record(
	    w, key, sizeof(key), val, LAYOUT_LIST_NAME + name_len + source_len);
}

static int
put_sets(struct writer *w)
{
	const struct sets *s = &w->sets;
	int r = reserve(w, (s->n + 1) * 4);

	if (r < 0)
		return r;
	for (size_t i = 0; i <= s->n; i++)
		layout_put32(w->buf + i * 4, s->first[i]);
	return put_record(w, "sets", 4, w->buf, (s->n + 1) * 4);
}

static int
put_members(struct writer *w)
{
	const struct sets *s = &w->sets;
	size_t len = s->n_members * LAYOUT_MEMBER_LEN;
	int r = reserve(w, len);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->n_members; i++) {
		uint8_t *p = w->buf + i * LAYOUT_MEMBER_LEN;

		memset(p, 0, LAYOUT_MEMBER_LEN);
		layout_put16(p + LAYOUT_MEMBER_LIST, s->member[i].list);
		layout_put32(p + LAYOUT_MEMBER_NOTE, s->member[i].note);
		p[LAYOUT_MEMBER_PREFIX_LEN] = s->member[i].prefix_len;
	}
	return put_record(w, "memb", 4, w->buf, len);
}

/*
 * Families
 */

static const struct layout_family *
family_of(const struct cidr *cidr)
{
	return &layout_families[cidr_is_v4(cidr) ? LAYOUT_V4 : LAYOUT_V6];
}

/* Copies into w->part, in order, the prefixes of the family that are wider
 * than its buckets or as wide, or those that are not; their number. */
static size_t
select_part(struct writer *w, const struct layout_family *family, bool wide)
{
	size_t n = 0;

	for (size_t i = 0; i < w->content->n_prefixes; i++) {
		const struct cidr *cidr = &w->content->prefixes[i].cidr;

		if (family_of(cidr) == family &&
		    (cidr->len <= family->bucket_bits) == wide)
			w->part[n++] = w->content->prefixes[i];
	}
	return n;
}

static int
write_wide(struct writer *w, const struct layout_family *family)
{
	static const struct in6_addr v4 = { .s6_addr = { [10] = 0xff, 0xff } };
	struct cidr all = cidr_mask(&v4, family->bits);
	size_t n = select_part(w, family, true);
	int r = flatten(&w->sets, w->part, n, &all, 0, &w->wide);

	if (r < 0)
		return r;
	return put_ranges(
	    w, family->wide_key, 2, &w->wide, family->key_at, family->key_len);
}

/* The set that all of BUCKET is in by way of wider prefixes.  *POS walks the
 * wide ranges along with the buckets. */
static uint32_t
wide_set(const struct writer *w, const struct cidr *bucket, size_t *pos)
{
	const struct range *r = w->wide.range;
	const struct in6_addr *addr = &bucket->addr;

	while (
	    *pos < w->wide.n && memcmp(&r[*pos].last, addr, sizeof(*addr)) < 0)
		++*pos;
	if (*pos < w->wide.n &&
	    memcmp(&r[*pos].first, addr, sizeof(*addr)) <= 0)
		return r[*pos].set;
	return 0;
}

/* How many of PREFIXES (N > 0) are inside BUCKET, as the first is. */
static size_t
count_inside(
    const struct cdbfile_prefix *prefixes, size_t n, const struct cidr *bucket)
{
	size_t i = 1;

	while (i < n && cidr_contains(bucket, &prefixes[i].cidr.addr))
		i++;
	return i;
}

static int
write_buckets(
    struct writer *w, const struct layout_family *family, uint32_t *n_buckets)
{
	size_t n = select_part(w, family, false), wide_pos = 0;

	for (size_t i = 0, inside; i < n; i += inside) {
		struct cidr bucket =
		    cidr_mask(&w->part[i].cidr.addr, family->bucket_bits);
		uint8_t key[LAYOUT_KEY_MAX];
		size_t key_len;
		int r;

		inside = count_inside(w->part + i, n - i, &bucket);
		r = flatten(&w->sets, w->part + i, inside, &bucket,
		    wide_set(w, &bucket, &wide_pos), &w->bucket);
		if (r < 0)
			return r;
		key_len = layout_bucket_key(family, &bucket.addr, key);
		r = put_ranges(w, key, key_len, &w->bucket, family->rest_at,
		    family->rest_len);
		if (r < 0)
			return r;
		++*n_buckets;
	}
	return 0;
}

/*
 * Autonomous systems
 */

/* The set of the lists that ASNS[0..N), which are one system, is in. */
static int
asn_set(struct writer *w, const struct cdbfile_asn *asns, size_t n,
    uint32_t *ret_set)
{
	struct cdbfile_hit hit[CDBFILE_LISTS_MAX];

	/* Sorted, and each list once: there cannot be more. */
	for (size_t i = 0; i < n; i++)
		hit[i] = (struct cdbfile_hit){ .note = asns[i].note,
			.list = asns[i].list };
	return sets_intern(&w->sets, hit, n, ret_set);
}

static int
write_asns(struct writer *w)
{
	const struct cdbfile_asn *a = w->content->asns;
	size_t n = w->content->n_asns, len = 0;
	int r = reserve(w, n * LAYOUT_ASN_LEN);

	for (size_t i = 0, same; r == 0 && i < n; i += same) {
		uint32_t set = 0;

		for (same = 1; i + same < n && a[i + same].asn == a[i].asn;)
			same++;
		r = asn_set(w, a + i, same, &set);
		if (r < 0)
			return r;
		layout_put32(w->buf + len, a[i].asn);
		layout_put32(w->buf + len + LAYOUT_ASN_SET, set);
		len += LAYOUT_ASN_LEN;
	}
	return r < 0 ? r : put_record(w, "asns", 4, w->buf, len);
}

static int
put_notes(struct writer *w)
{
	const struct cdbfile_content *c = w->content;

	if (c->notes_size == 0)
		return put_record(w, "note", 4, "", 1);
	return put_record(w, "note", 4, c->notes, c->notes_size);
}

static int
write_records(struct writer *w)
{
	static const uint8_t no_meta[LAYOUT_META_LEN];
	int r = put_record(w, "meta", 4, no_meta, sizeof(no_meta));

	for (size_t i = 0; r == 0 && i < w->content->n_lists; i++)
		r = put_list(w, &w->content->lists[i], i);
	for (int f = 0; r == 0 && f < LAYOUT_FAMILIES; f++) {
		r = write_wide(w, &layout_families[f]);
		if (r == 0)
			r = write_buckets(
			    w, &layout_families[f], &w->n_buckets[f]);
	}
	if (r == 0)
		r = write_asns(w);
	if (r == 0)
		r = put_notes(w);
	if (r == 0)
		r = put_sets(w);
	if (r == 0)
		r = put_members(w);
	return r;
}

/*
 * The meta record, which is written last into the place kept for it
 */

static int
write_at(int fd, const uint8_t *buf, size_t len, off_t at)
{
	ssize_t n = pwrite(fd, buf, len, at);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int
write_meta(struct writer *w, int fd, off_t size)
{
	uint8_t meta[LAYOUT_META_LEN] = LAYOUT_MAGIC;

	layout_put32(meta + LAYOUT_META_VERSION, CDBFILE_VERSION);
	layout_put32(meta + LAYOUT_META_SIZE, (uint32_t)size);
	layout_put64(meta + LAYOUT_META_CREATED, w->content->created);
	layout_put32(meta + LAYOUT_META_LISTS, (uint32_t)w->content->n_lists);
	layout_put32(meta + LAYOUT_META_SETS, (uint32_t)w->sets.n);
	layout_put32(meta + LAYOUT_META_MEMBERS, (uint32_t)w->sets.n_members);
	for (int f = 0; f < LAYOUT_FAMILIES; f++)
		layout_put32(
		    meta + LAYOUT_META_BUCKETS + 4 * f, w->n_buckets[f]);
	return write_at(fd, meta, sizeof(meta), LAYOUT_META_AT);
}

static int
write_checksum(int fd, size_t size)
{
	uint8_t sum[8];
	uint8_t *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	layout_put64(sum, layout_checksum_file(map, size));
	munmap(map, size);
	return write_at(
	    fd, sum, sizeof(sum), LAYOUT_META_AT + LAYOUT_META_CHECKSUM);
}

static int
finish(struct writer *w, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	int r;

	if (size < 0)
		return -errno;
	if (size > CDBFILE_SIZE_MAX)
		return -EFBIG;
	r = write_meta(w, fd, size);
	return r < 0 ? r : write_checksum(fd, (size_t)size);
}

static int
writer_init(struct writer *w, const struct cdbfile_content *c)
{
	int r;

	*w = (struct writer){ .content = c };
	w->part = calloc(c->n_prefixes + 1, sizeof(*w->part));
	if (!w->part)
		return -ENOMEM;
	r = sets_init(&w->sets);
	if (r < 0)
		free(w->part);
	return r;
}

static void
writer_fini(struct writer *w)
{
	sets_fini(&w->sets);
	free(w->part);
	free(w->wide.range);
	free(w->bucket.range);
	free(w->buf);
}

int
cdbfile_write(int fd, const struct cdbfile_content *c)
{
	struct writer w;
	int r;

	if (c->n_lists > CDBFILE_LISTS_MAX)
		return -E2BIG;
	if (!are_lists_sane(c) || !are_entries_sane(c))
		return -EINVAL;
	r = writer_init(&w, c);
	if (r < 0)
		return r;
	errno = 0;
	if (cdb_make_start(&w.cdb, fd) < 0) {
		r = cdb_error();
	} else {
		r = write_records(&w);
		/* After an error too: this is what frees libcdb's memory. */
		errno = 0;
		if (cdb_make_finish(&w.cdb) < 0 && r == 0)
			r = cdb_error();
	}
	if (r == 0)
		r = finish(&w, fd);
	writer_fini(&w);
	return r;
}
