/* SPDX-License-Identifier: ISC */
#include "data/cdbfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/common/fd.h"
#include "data/cdbread.h"

int
cdbfile_fail(const struct why *why, int error, const char *format, ...)
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
	return cdbfile_fail(why, error, "%s", strerror(-error));
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
 * Opening
 */

static int
open_source(const char *path, int *ret_fd, const struct why *why)
{
	/* O_NONBLOCK: a FIFO in the file's place must not hang us. */
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(why, -errno);
	if (!S_ISREG(st.st_mode))
		return cdbfile_fail(why, -EBADMSG, "not a regular file");
	if (st.st_size > CDBFILE_SIZE_MAX)
		return cdbfile_fail(
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

	f->v4 = calloc(1 << 16, sizeof(*f->v4));
	if (!f->v4 || fstat(fd, &st) < 0)
		return fail_errno(why, -errno);
	if (cdb_init(&f->cdb, fd) < 0)
		return cdbfile_fail(why, -EBADMSG,
		    "not a file of compiled lists, or cut short");
	f->map = cdb_get(&f->cdb, (unsigned)st.st_size, 0);
	if (!f->map)
		return cdbfile_fail(why, -EBADMSG, "not a CDB file");
	return cdbfile_verify(f, (size_t)st.st_size, why);
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

		ret->hit[i].note = layout_get32(p + LAYOUT_MEMBER_NOTE);
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

int
cdbfile_find_asn(
    const struct cdbfile *f, uint32_t asn, struct cdbfile_match *ret_match)
{
	uint32_t from = 0, to = f->asns.n;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;
		const uint8_t *p = f->asns.at + (size_t)mid * LAYOUT_ASN_LEN;
		uint32_t found = layout_get32(p);

		if (found == asn)
			return read_set(
			    f, layout_get32(p + LAYOUT_ASN_SET), ret_match);
		if (found < asn)
			from = mid + 1;
		else
			to = mid;
	}
	return 0;
}

const char *
cdbfile_note(const struct cdbfile *f, const struct cdbfile_hit *hit)
{
	return (const char *)f->notes.at + hit->note;
}

bool
cdbfile_is_note(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789._-",
			s[i]) ||
		    s[i] == '\0')
			return false;
	return len <= CDBFILE_NOTE_MAX;
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
