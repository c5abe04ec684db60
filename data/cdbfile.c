/* SPDX-License-Identifier: ISC */
#include "data/cdbfile.h"

#include <assert.h>
#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "data/cdblayout.h"

/* The value of a record that is an array. */
struct table {
	const uint8_t *at;
	uint32_t n; /* elements */
};

/* Where a bucket's ranges lie in the file; all zero: there is no bucket. */
struct bucket {
	uint32_t at, n;
};

struct cdbfile {
	struct cdb cdb; /* of the memory file; its descriptor is closed */
	/* Of all IPv4 buckets, by the 16 bits of their key.  CDB's own probe is
	 * three cache misses; this is most often none. */
	struct bucket *v4;
	const uint8_t *map; /* all of the file */
	uint64_t created;
	uint32_t n_sets, n_members, n_lists;
	uint32_t n_buckets[LAYOUT_FAMILIES];
	struct table wide[LAYOUT_FAMILIES];
	struct table sets, members;
	struct cdbfile_list list[CDBFILE_LISTS_MAX]; /* strings in the map */
};

/* A record as it lies in the file. */
struct record {
	const uint8_t *key, *val;
	uint32_t key_len, len;
	uint32_t at; /* of the value in the file */
};

/* Where the reason for the operator goes. */
struct why {
	char *text;
	size_t size;
};

static int PRINTF_LIKE(3, 4)
    fail(const struct why *why, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why->text, why->size, format, ap);
	va_end(ap);
	return error;
}

static int
fail_errno(const struct why *why, int error)
{
	return fail(why, error, "%s", strerror(-error));
}

const char *
cdbfile_kind_name(enum cdbfile_kind kind)
{
	static const char *const names[CDBFILE_KIND_COUNT] = {
		[CDBFILE_BLOCK] = "block",
		[CDBFILE_ALLOW] = "allow",
	};

	return names[kind];
}

/*
 * Ranges
 */

/* As memcmp(), which the compiler calls, rather than inlines, for order. */
static inline int
compare_bytes(const uint8_t *a, const uint8_t *b, size_t width)
{
	if (width == 2)
		return layout_get16(a) - layout_get16(b);
	return memcmp(a, b, width);
}

/* The set that the range over NEEDLE (WIDTH bytes) has, or 0.  Inlined so that
 * WIDTH is a constant and the comparisons are no calls. */
static inline __attribute__((always_inline)) uint32_t
search_ranges(const struct table *t, const uint8_t *needle, size_t width)
{
	const size_t len = layout_range_len(width);
	const uint8_t *p = t->at;
	uint32_t n = t->n;

	if (n == 0)
		return 0;
	/* P is the last range known to start at or before the needle, or the
	 * first one; without a branch that depends on data. */
	while (n > 1) {
		const uint8_t *mid = p + n / 2 * len;

		p = compare_bytes(mid, needle, width) <= 0 ? mid : p;
		n -= n / 2;
	}
	if (compare_bytes(p, needle, width) > 0 ||
	    compare_bytes(p + width, needle, width) < 0)
		return 0;
	return layout_get32(p + 2 * width);
}

/* Ranges must ascend, be apart, and have a set that exists. */
static bool
are_ranges_valid(const struct cdbfile *f, const struct table *t, size_t width)
{
	size_t len = layout_range_len(width);

	for (uint32_t i = 0; i < t->n; i++) {
		const uint8_t *p = t->at + i * len;
		uint32_t set = layout_get32(p + 2 * width);

		if (memcmp(p, p + width, width) > 0 ||
		    (i > 0 && memcmp(p - len + width, p, width) >= 0) ||
		    set == 0 || set >= f->n_sets)
			return false;
	}
	return true;
}

/* VAL as ranges of WIDTH address bytes; false if it is not a whole number of
 * them. */
static bool
as_ranges(const uint8_t *val, uint32_t len, size_t width, struct table *ret)
{
	if (len % layout_range_len(width) != 0)
		return false;
	*ret = (struct table){ val, len / (uint32_t)layout_range_len(width) };
	return true;
}

/*
 * Verifying: one kind of record each; false if it is not as FORMAT.md says
 */

static bool
key_is(const struct record *rec, const char *name)
{
	return rec->key_len == strlen(name) &&
	    memcmp(rec->key, name, rec->key_len) == 0;
}

static bool
key_starts(const struct record *rec, const char *name, size_t more)
{
	return rec->key_len == strlen(name) + more &&
	    memcmp(rec->key, name, strlen(name)) == 0;
}

static bool
take_list(struct cdbfile *f, const struct record *rec)
{
	uint16_t number = layout_get16(rec->key + 4);
	const char *name = (const char *)rec->val + LAYOUT_LIST_NAME;
	const char *end = (const char *)rec->val + rec->len, *source;

	if (number >= f->n_lists || f->list[number].name ||
	    rec->len < LAYOUT_LIST_NAME + 2 || end[-1] != '\0' ||
	    rec->val[LAYOUT_LIST_KIND] >= CDBFILE_KIND_COUNT)
		return false;
	source = name + strlen(name) + 1;
	if (source >= end || source + strlen(source) + 1 != end ||
	    source - name > CDBFILE_NAME_MAX + 1 ||
	    end - source > CDBFILE_SOURCE_MAX + 1)
		return false;
	f->list[number] = (struct cdbfile_list){ .name = name,
		.source = source,
		.kind = (enum cdbfile_kind)rec->val[LAYOUT_LIST_KIND],
		.entries = layout_get32(rec->val + LAYOUT_LIST_ENTRIES),
		.updated = layout_get64(rec->val + LAYOUT_LIST_UPDATED) };
	return true;
}

static bool
take_sets(struct cdbfile *f, const struct record *rec)
{
	if (rec->len / 4 != (uint64_t)f->n_sets + 1 || rec->len % 4 != 0)
		return false;
	f->sets = (struct table){ rec->val, f->n_sets + 1 };
	return true;
}

static bool
take_members(struct cdbfile *f, const struct record *rec)
{
	if (rec->len != (uint64_t)f->n_members * LAYOUT_MEMBER_LEN)
		return false;
	f->members = (struct table){ rec->val, f->n_members };
	return true;
}

static bool
take_wide(struct cdbfile *f, const struct record *rec, int i)
{
	size_t width = layout_families[i].key_len;

	return as_ranges(rec->val, rec->len, width, &f->wide[i]) &&
	    are_ranges_valid(f, &f->wide[i], width);
}

/* The key's digits, or -1 if they are not what the writer would write. */
static int64_t
parse_hex(const uint8_t *digits, size_t n)
{
	int64_t value = 0;

	for (size_t i = 0; i < n; i++) {
		if (digits[i] >= '0' && digits[i] <= '9')
			value = value << 4 | (digits[i] - '0');
		else if (digits[i] >= 'a' && digits[i] <= 'f')
			value = value << 4 | (digits[i] - 'a' + 10);
		else
			return -1;
	}
	return value;
}

static bool
take_bucket(struct cdbfile *f, const struct record *rec, int i)
{
	const struct layout_family *family = &layout_families[i];
	int64_t key = parse_hex(rec->key + 2, 2U * family->key_len);
	struct table t;

	if (key < 0 || !as_ranges(rec->val, rec->len, family->rest_len, &t) ||
	    !are_ranges_valid(f, &t, family->rest_len))
		return false;
	if (i == LAYOUT_V4)
		f->v4[key] = (struct bucket){ rec->at, t.n };
	return true;
}

static bool
take_ranges(struct cdbfile *f, const struct record *rec, uint32_t *n_found)
{
	for (int i = 0; i < LAYOUT_FAMILIES; i++) {
		const struct layout_family *family = &layout_families[i];

		if (key_is(rec, family->wide_key))
			return take_wide(f, rec, i);
		if (key_starts(rec, family->bucket_key, 2U * family->key_len)) {
			n_found[i]++;
			return take_bucket(f, rec, i);
		}
	}
	return false;
}

static bool
take_record(struct cdbfile *f, const struct record *rec, uint32_t *n_found)
{
	if (key_starts(rec, "list", 2))
		return take_list(f, rec);
	if (key_is(rec, "sets"))
		return take_sets(f, rec);
	if (key_is(rec, "memb"))
		return take_members(f, rec);
	return key_is(rec, "meta") || take_ranges(f, rec, n_found);
}

/* The members FROM to TO of one set: by list number, each list once. */
static bool
is_set_valid(const struct cdbfile *f, uint32_t from, uint32_t to)
{
	const uint8_t *p = f->members.at + (size_t)from * LAYOUT_MEMBER_LEN;
	int last = -1;

	for (uint32_t i = from; i < to; i++, p += LAYOUT_MEMBER_LEN) {
		int list = layout_get16(p + LAYOUT_MEMBER_LIST);

		if (list <= last || (uint32_t)list >= f->n_lists ||
		    p[LAYOUT_MEMBER_PREFIX_LEN] > CIDR_BITS ||
		    layout_get32(p + LAYOUT_MEMBER_NOTE) != 0)
			return false;
		last = list;
	}
	return true;
}

static bool
are_sets_valid(const struct cdbfile *f)
{
	uint32_t from = layout_get32(f->sets.at);

	/* Set 0 is the empty one. */
	if (from != 0 || layout_get32(f->sets.at + 4) != 0)
		return false;
	for (uint32_t i = 1; i <= f->n_sets; i++) {
		uint32_t to = layout_get32(f->sets.at + (size_t)i * 4);

		if (to < from || to > f->n_members ||
		    !is_set_valid(f, from, to))
			return false;
		from = to;
	}
	return from == f->n_members;
}

/* Whether all that must be there was found, and fits together. */
static bool
is_complete(const struct cdbfile *f, const uint32_t *n_found)
{
	for (uint32_t i = 0; i < f->n_lists; i++)
		if (!f->list[i].name ||
		    (i > 0 &&
			strcmp(f->list[i - 1].name, f->list[i].name) >= 0))
			return false;
	for (int i = 0; i < LAYOUT_FAMILIES; i++)
		if (!f->wide[i].at || n_found[i] != f->n_buckets[i])
			return false;
	return f->sets.at && f->members.at && are_sets_valid(f);
}

static int
verify_records(struct cdbfile *f, const struct why *why)
{
	uint32_t n_found[LAYOUT_FAMILIES] = { 0 };
	unsigned pos;
	int r;

	cdb_seqinit(&pos, &f->cdb);
	while ((r = cdb_seqnext(&pos, &f->cdb)) > 0) {
		struct record rec = {
			.key = cdb_getkey(&f->cdb),
			.val = cdb_getdata(&f->cdb),
			.key_len = cdb_keylen(&f->cdb),
			.len = cdb_datalen(&f->cdb),
			.at = cdb_datapos(&f->cdb),
		};

		if (!rec.key || !rec.val || !take_record(f, &rec, n_found))
			return fail(why, -EBADMSG,
			    "damaged: bad record before byte %u", pos);
	}
	if (r < 0)
		return fail(
		    why, -EBADMSG, "damaged: no record at byte %u", pos);
	if (!is_complete(f, n_found))
		return fail(
		    why, -EBADMSG, "damaged: its records do not fit together");
	return 0;
}

/*
 * Opening
 */

/* The meta record, from its fixed place: nothing else may be believed before
 * version, size and checksum are known to be right. */
static int
verify_meta(
    struct cdbfile *f, const uint8_t *map, size_t size, const struct why *why)
{
	const uint8_t *meta = map + LAYOUT_META_AT;
	uint32_t version, told;

	if (size < LAYOUT_META_AT + LAYOUT_META_LEN ||
	    memcmp(meta, LAYOUT_MAGIC, 8) != 0)
		return fail(why, -EBADMSG,
		    "not a file of compiled lists, or cut short");
	version = layout_get32(meta + LAYOUT_META_VERSION);
	if (version != CDBFILE_VERSION)
		return fail(why, -EPROTO,
		    "format version %u; this program reads version %d", version,
		    CDBFILE_VERSION);
	told = layout_get32(meta + LAYOUT_META_SIZE);
	if (told != size)
		return fail(why, -EBADMSG, "damaged: %zu bytes instead of %u",
		    size, told);
	if (layout_get64(meta + LAYOUT_META_CHECKSUM) !=
	    layout_checksum_file(map, size))
		return fail(why, -EBADMSG, "damaged: wrong checksum");
	f->created = layout_get64(meta + LAYOUT_META_CREATED);
	f->n_lists = layout_get32(meta + LAYOUT_META_LISTS);
	f->n_sets = layout_get32(meta + LAYOUT_META_SETS);
	f->n_members = layout_get32(meta + LAYOUT_META_MEMBERS);
	for (int i = 0; i < LAYOUT_FAMILIES; i++)
		f->n_buckets[i] =
		    layout_get32(meta + LAYOUT_META_BUCKETS + 4 * i);
	if (f->n_lists > CDBFILE_LISTS_MAX || f->n_sets == 0)
		return fail(why, -EBADMSG, "damaged: impossible counts");
	return 0;
}

static int
open_source(const char *path, int *ret_fd, const struct why *why)
{
	/* O_NONBLOCK: a FIFO in the file's place must not hang us. */
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(why, -errno);
	if (!S_ISREG(st.st_mode))
		return fail(why, -EBADMSG, "not a regular file");
	if (st.st_size > CDBFILE_SIZE_MAX)
		return fail(
		    why, -EFBIG, "larger than %d bytes", CDBFILE_SIZE_MAX);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int
copy_all(int from, int to)
{
	char buf[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		total += (size_t)n;
		if (total > CDBFILE_SIZE_MAX)
			return -EFBIG;
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(to, buf + done, (size_t)(n - done));

			if (w < 0)
				return -errno;
			done += w;
		}
	}
	return n < 0 ? -errno : 0;
}

/* A private copy of PATH.  A map of the file itself would be cut off under us
 * by whoever truncates it, and the next look-up would die of SIGBUS. */
static int
copy_to_memory(const char *path, int *ret_fd, const struct why *why)
{
	AUTO_FD source = -1;
	AUTO_FD copy =
	    memfd_create("lists.cdb", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (copy < 0)
		return fail_errno(why, -errno);
	r = open_source(path, &source, why);
	if (r < 0)
		return r;
	r = copy_all(source, copy);
	/* Not F_SEAL_WRITE: before Linux 6.7 it forbids even the read-only
	 * shared map that cdb_init() makes. */
	if (r == 0 &&
	    fcntl(copy, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		r = -errno;
	if (r < 0)
		return fail_errno(why, r);
	*ret_fd = fd_take(&copy);
	return 0;
}

static int
load(struct cdbfile *f, int fd, const struct why *why)
{
	struct stat st;
	int r;

	f->v4 = calloc(1 << 16, sizeof(*f->v4));
	if (!f->v4 || fstat(fd, &st) < 0)
		return fail_errno(why, -errno);
	if (cdb_init(&f->cdb, fd) < 0)
		return fail(why, -EBADMSG,
		    "not a file of compiled lists, or cut short");
	f->map = cdb_get(&f->cdb, (unsigned)st.st_size, 0);
	if (!f->map)
		return fail(why, -EBADMSG, "not a CDB file");
	r = verify_meta(f, f->map, (size_t)st.st_size, why);
	return r < 0 ? r : verify_records(f, why);
}

int
cdbfile_open(
    const char *path, struct cdbfile **ret_file, char *why_text, size_t size)
{
	const struct why why = { why_text, size };
	struct cdbfile *f;
	AUTO_FD fd = -1;
	int r = copy_to_memory(path, &fd, &why);

	if (r < 0)
		return r;
	f = calloc(1, sizeof(*f));
	if (!f)
		return fail_errno(&why, -ENOMEM);
	r = load(f, fd, &why);
	if (r < 0)
		cdbfile_free(f);
	else
		*ret_file = f;
	return r;
}

struct cdbfile *
cdbfile_free(struct cdbfile *f)
{
	if (f) {
		cdb_free(&f->cdb); /* nothing if it was never initialised */
		free(f->v4);
	}
	free(f);
	return NULL;
}

/*
 * Asking
 */

/* SET as hits.  Sets were verified; SET itself may come from a record that
 * only a forged hash table leads to. */
static int
read_set(const struct cdbfile *f, uint32_t set, struct cdbfile_match *ret)
{
	uint32_t from, to;

	if (set == 0)
		return 0;
	if (set >= f->n_sets)
		return -EBADMSG;
	from = layout_get32(f->sets.at + (size_t)set * 4);
	to = layout_get32(f->sets.at + (size_t)set * 4 + 4);
	ret->n = to - from;
	for (uint32_t i = 0; i < to - from; i++) {
		const uint8_t *p =
		    f->members.at + (size_t)(from + i) * LAYOUT_MEMBER_LEN;

		ret->hit[i].list = layout_get16(p + LAYOUT_MEMBER_LIST);
		ret->hit[i].prefix_len = p[LAYOUT_MEMBER_PREFIX_LEN];
	}
	return ret->n > 0;
}

static int
find_v4_bucket(
    const struct cdbfile *f, const struct in6_addr *addr, struct table *ret)
{
	const struct bucket *bucket = &f->v4[layout_get16(addr->s6_addr + 12)];

	if (bucket->at == 0)
		return 0;
	*ret = (struct table){ f->map + bucket->at, bucket->n };
	return 1;
}

static int
find_v6_bucket(
    const struct cdbfile *f, const struct in6_addr *addr, struct table *ret)
{
	const struct layout_family *family = &layout_families[LAYOUT_V6];
	uint8_t key[LAYOUT_KEY_MAX];
	size_t key_len = layout_bucket_key(family, addr, key);
	struct cdb cdb = f->cdb; /* cdb_find() leaves its result in it */
	int r = cdb_find(&cdb, key, (unsigned)key_len);
	const uint8_t *val;

	if (r <= 0)
		return r < 0 ? -EBADMSG : 0;
	/* This checks the bounds: a forged hash table leads anywhere. */
	val = cdb_getdata(&cdb);
	if (!val || !as_ranges(val, cdb_datalen(&cdb), family->rest_len, ret))
		return -EBADMSG;
	return 1;
}

/* I is a constant; see search_ranges(). */
static inline __attribute__((always_inline)) int
find_set(const struct cdbfile *f, int i, const struct in6_addr *addr,
    uint32_t *ret_set)
{
	const struct layout_family *family = &layout_families[i];
	const uint8_t *bytes = addr->s6_addr;
	struct table bucket;
	int r = i == LAYOUT_V4 ? find_v4_bucket(f, addr, &bucket)
			       : find_v6_bucket(f, addr, &bucket);

	if (r < 0)
		return r;
	if (r > 0)
		*ret_set = search_ranges(
		    &bucket, bytes + family->rest_at, family->rest_len);
	else
		*ret_set = search_ranges(
		    &f->wide[i], bytes + family->key_at, family->key_len);
	return 0;
}

int
cdbfile_find(const struct cdbfile *f, const struct in6_addr *addr,
    struct cdbfile_match *ret_match)
{
	uint32_t set = 0;
	int r = cidr_addr_is_v4(addr) ? find_set(f, LAYOUT_V4, addr, &set)
				      : find_set(f, LAYOUT_V6, addr, &set);

	return r < 0 ? r : read_set(f, set, ret_match);
}

size_t
cdbfile_n_lists(const struct cdbfile *f)
{
	return f->n_lists;
}

const struct cdbfile_list *
cdbfile_list(const struct cdbfile *f, size_t i)
{
	assert(i < f->n_lists);
	return &f->list[i];
}

const struct cdbfile_list *
cdbfile_list_named(const struct cdbfile *f, const char *name)
{
	for (size_t i = 0; i < f->n_lists; i++)
		if (strcmp(f->list[i].name, name) == 0)
			return &f->list[i];
	return NULL;
}

uint64_t
cdbfile_created(const struct cdbfile *f)
{
	return f->created;
}
