/* SPDX-License-Identifier: ISC */
/* Whether a compiled file is as data/FORMAT.md says. */
#include <errno.h>
#include <string.h>

#include "data/cdbread.h"

/* A record as it lies in the file. */
struct record {
	const uint8_t *key, *val;
	uint32_t key_len, len;
	uint32_t at; /* of the value in the file */
};

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
		return cdbfile_fail(why, -EBADMSG,
		    "not a file of compiled lists, or cut short");
	version = layout_get32(meta + LAYOUT_META_VERSION);
	if (version != CDBFILE_VERSION)
		return cdbfile_fail(why, -EPROTO,
		    "format version %u; this program reads version %d", version,
		    CDBFILE_VERSION);
	told = layout_get32(meta + LAYOUT_META_SIZE);
	if (told != size)
		return cdbfile_fail(why, -EBADMSG,
		    "damaged: %zu bytes instead of %u", size, told);
	if (layout_get64(meta + LAYOUT_META_CHECKSUM) !=
	    layout_checksum_file(map, size))
		return cdbfile_fail(why, -EBADMSG, "damaged: wrong checksum");
	f->created = layout_get64(meta + LAYOUT_META_CREATED);
	f->n_lists = layout_get32(meta + LAYOUT_META_LISTS);
	f->n_sets = layout_get32(meta + LAYOUT_META_SETS);
	f->n_members = layout_get32(meta + LAYOUT_META_MEMBERS);
	for (int i = 0; i < LAYOUT_FAMILIES; i++)
		f->n_buckets[i] =
		    layout_get32(meta + LAYOUT_META_BUCKETS + 4 * i);
	if (f->n_lists > CDBFILE_LISTS_MAX || f->n_sets == 0)
		return cdbfile_fail(
		    why, -EBADMSG, "damaged: impossible counts");
	return 0;
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

/*
 * One kind of record each; false if it is not as FORMAT.md says
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
take_notes(struct cdbfile *f, const struct record *rec)
{
	const char *notes = (const char *)rec->val;
	size_t len;

	if (rec->len == 0 || notes[0] != '\0' || notes[rec->len - 1] != '\0')
		return false;
	for (size_t i = 0; i < rec->len; i += len + 1) {
		len = strlen(notes + i);
		if (!cdbfile_is_note(notes + i, len))
			return false;
	}
	f->notes = (struct table){ rec->val, rec->len };
	return true;
}

static bool
take_asns(struct cdbfile *f, const struct record *rec)
{
	uint32_t n = rec->len / LAYOUT_ASN_LEN;

	if (rec->len % LAYOUT_ASN_LEN != 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *p = rec->val + (size_t)i * LAYOUT_ASN_LEN;
		uint32_t set = layout_get32(p + LAYOUT_ASN_SET);

		if (set == 0 || set >= f->n_sets ||
		    (i > 0 &&
			layout_get32(p - LAYOUT_ASN_LEN) >= layout_get32(p)))
			return false;
	}
	f->asns = (struct table){ rec->val, n };
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
	if (key_is(rec, "note"))
		return take_notes(f, rec);
	if (key_is(rec, "asns"))
		return take_asns(f, rec);
	return key_is(rec, "meta") || take_ranges(f, rec, n_found);
}

/* Whether an identifier starts there. */
static bool
is_note_valid(const struct cdbfile *f, uint32_t note)
{
	return note == 0 ||
	    (note < f->notes.n && f->notes.at[note - 1] == '\0');
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
		    !is_note_valid(f, layout_get32(p + LAYOUT_MEMBER_NOTE)))
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
	return f->sets.at && f->members.at && f->notes.at && f->asns.at &&
	    are_sets_valid(f);
}

/* What each list has: a system's set is known from its record; of all others
 * the prefixes have a length, but for ::/0. */
static void
note_contents(struct cdbfile *f)
{
	for (uint32_t i = 0; i < f->n_members; i++) {
		const uint8_t *p =
		    f->members.at + (size_t)i * LAYOUT_MEMBER_LEN;

		if (p[LAYOUT_MEMBER_PREFIX_LEN] > 0)
			f->list[layout_get16(p + LAYOUT_MEMBER_LIST)]
			    .has_prefixes = true;
	}
	for (uint32_t i = 0; i < f->asns.n; i++) {
		struct cdbfile_match match = { 0 };
		uint32_t asn =
		    layout_get32(f->asns.at + (size_t)i * LAYOUT_ASN_LEN);

		(void)!cdbfile_find_asn(f, asn, &match);
		for (size_t j = 0; j < match.n; j++)
			f->list[match.hit[j].list].has_systems = true;
	}
	for (uint32_t i = 0; i < f->n_lists; i++)
		if (f->list[i].entries > 0 && !f->list[i].has_systems)
			f->list[i].has_prefixes = true;
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
			return cdbfile_fail(why, -EBADMSG,
			    "damaged: bad record before byte %u", pos);
	}
	if (r < 0)
		return cdbfile_fail(
		    why, -EBADMSG, "damaged: no record at byte %u", pos);
	if (!is_complete(f, n_found))
		return cdbfile_fail(
		    why, -EBADMSG, "damaged: its records do not fit together");
	note_contents(f);
	return 0;
}

int
cdbfile_verify(struct cdbfile *f, size_t size, const struct why *why)
{
	int r = verify_meta(f, f->map, size, why);

	return r < 0 ? r : verify_records(f, why);
}
