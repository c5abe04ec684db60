/* SPDX-License-Identifier: ISC */
/*
 * CDB files of other tools, whose keys are addresses or networks:
 *
 *	tinycdb         192.0.2.0/24 -> anything
 *	postmap cdb:    192.0.2 -> REJECT; keys and values may end with a NUL
 *	tcprules        192.0.2. -> D, or +RELAYCLIENT=...
 *	rbldns-data     four bytes and the prefix length -> nothing
 *
 * The file is walked from its first record to its last, and then its hash tables
 * are, which must lead to each of them and nowhere else: that is all a CDB file
 * has in the way of a checksum.  Of two keys that have an address the longer
 * counts.
 *
 * A file begins with 256 pairs of numbers, little-endian: where a table is, and
 * how many places it has.  Records follow, each as the length of its key, that
 * of its value, and both; then the tables, each place a hash and where the
 * record is, or 0.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "data/listparse.h"

enum { TABLES = 256, HEAD = TABLES * 8, PLACE = 8, LENGTHS = 8 };

struct file {
	const char *buf;
	size_t len;
	size_t end;    /* of the records */
	size_t places; /* of all tables */
	/* How many records there are, and a sum over where each is and its hash:
	 * of the tables it must be the same.  To follow each place to its record
	 * would be a walk all over the file. */
	size_t n;
	uint64_t sum;
};

static uint32_t
get32(const struct file *f, size_t at)
{
	uint32_t v;

	memcpy(&v, f->buf + at, sizeof(v));
	return le32toh(v);
}

static uint32_t
hash_key(const char *key, size_t len)
{
	uint32_t h = 5381;

	for (size_t i = 0; i < len; i++)
		h = (h + (h << 5)) ^ (unsigned char)key[i];
	return h;
}

/*
 * The container
 */

/* Whether F begins as a CDB file does: tables that lie one after the other, as
 * all tools write them.  The file may still be cut short. */
static bool
read_head(struct file *f)
{
	size_t next;

	if (f->len < HEAD)
		return false;
	f->end = next = get32(f, 0);
	if (f->end < HEAD)
		return false;
	f->places = 0;
	for (size_t i = 0; i < TABLES; i++) {
		if (get32(f, i * 8) != next)
			return false;
		f->places += get32(f, i * 8 + 4);
		next += (size_t)get32(f, i * 8 + 4) * PLACE;
	}
	return true;
}

bool
list_is_cdb(const char *buf, size_t len)
{
	struct file f = { .buf = buf, .len = len };

	return read_head(&f);
}

/* The record at *AT, which moves past it; false: it leaves the file. */
static bool
next_record(
    const struct file *f, size_t *at, struct slice *ret_key, struct slice *ret)
{
	size_t key_len, len;

	if (f->end - *at < LENGTHS)
		return false;
	key_len = get32(f, *at);
	len = get32(f, *at + 4);
	*at += LENGTHS;
	if (key_len > f->end - *at || len > f->end - *at - key_len)
		return false;
	*ret_key = (struct slice){ f->buf + *at, key_len };
	*ret = (struct slice){ f->buf + *at + key_len, len };
	*at += key_len + len;
	return true;
}

/* What one record, at WHERE and of HASH, adds to a sum: two that are wrong do
 * not cancel out each other. */
static uint64_t
mix(uint32_t hash, size_t where)
{
	uint64_t v =
	    ((uint64_t)where << 32 | hash) * UINT64_C(0x9e3779b97f4a7c15);

	v ^= v >> 32;
	return v * UINT64_C(0xd6e8feb86659fd93);
}

/* What tinycdb leaves of a record that another has replaced, with an option to
 * do so: no key, and zeros.  It is in no table. */
static bool
is_erased(struct slice key, struct slice value)
{
	return key.len == 0 && value.len > 0 && value.at[0] == '\0' &&
	    memcmp(value.at, value.at + 1, value.len - 1) == 0;
}

/* "D", "D+A=b", "+RELAYCLIENT=": what tcprules compiles.  A variable ends with
 * a NUL. */
static bool
is_tcprules(struct slice value)
{
	if (value.len == 1 && value.at[0] == 'D')
		return true;
	if (value.len > 1 && value.at[0] == 'D') {
		value.at++;
		value.len--;
	}
	return value.len > 2 && value.at[0] == '+' &&
	    value.at[value.len - 1] == '\0' && memchr(value.at, '=', value.len);
}

static int
check_records(struct parser *p, struct file *f)
{
	size_t at = HEAD, where;
	struct slice key, value;

	while ((where = at) < f->end) {
		if (!next_record(f, &at, &key, &value))
			return list_bad_file(p,
			    "damaged CDB file: record %zu leaves it", f->n + 1);
		/* There an empty value lets in, and is no mark. */
		p->is_tcprules |= is_tcprules(value);
		if (is_erased(key, value))
			continue;
		f->n++;
		f->sum += mix(hash_key(key.at, key.len), where);
	}
	return 0;
}

/* Adds what is in use of TABLE to *RET; false: a hash in it belongs in another
 * table. */
static bool
add_table(const struct file *f, size_t table, struct file *ret)
{
	size_t at = get32(f, table * 8), n = get32(f, table * 8 + 4);

	for (size_t i = 0; i < n; i++, at += PLACE) {
		uint32_t hash = get32(f, at), where = get32(f, at + 4);

		if (where == 0)
			continue;
		if (hash % TABLES != table)
			return false;
		ret->n++;
		ret->sum += mix(hash, where);
	}
	return true;
}

static int
check_tables(struct parser *p, const struct file *f)
{
	struct file tables = { 0 };
	bool is_good = true;

	for (size_t i = 0; i < TABLES && is_good; i++)
		is_good = add_table(f, i, &tables);
	if (is_good && tables.n != f->n)
		return list_bad_file(p,
		    "damaged CDB file: %zu records, but the tables have %zu",
		    f->n, tables.n);
	if (!is_good || tables.sum != f->sum)
		return list_bad_file(p,
		    "damaged CDB file: a hash table does not agree with the "
		    "records");
	return 0;
}

/*
 * Records
 */

/* rblsmtpd refuses what has RBLSMTPD=text, as deny does. */
static enum list_action
tcprules_action(struct slice value)
{
	static const char variable[] = "+RBLSMTPD=";
	const char *at =
	    memmem(value.at, value.len, variable, sizeof(variable) - 1);

	if ((value.len > 0 && value.at[0] == 'D') ||
	    (at && at[sizeof(variable) - 1] != '\0'))
		return ACTION_BLOCK;
	return ACTION_ALLOW;
}

/* Without one NUL at the end. */
static struct slice
unterminated(struct slice s)
{
	if (s.len > 0 && s.at[s.len - 1] == '\0')
		s.len--;
	return list_trim(s);
}

static bool
is_number(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!list_is_digit(s.at[i]))
			return false;
	return true;
}

/* What is in the file is listed, unless its value says otherwise.  "1" and
 * nothing are marks, and no action. */
static bool
is_let_off(const struct parser *p, struct slice value)
{
	enum list_action action, wanted = ACTION_BLOCK;

	if (p->is_tcprules)
		action = tcprules_action(value);
	else if (is_number(unterminated(value)))
		return false;
	else
		action = list_parse_action(unterminated(value));
	if (p->options->is_allow)
		wanted = ACTION_ALLOW;
	return action != ACTION_NONE && action != wanted;
}

/* Four bytes and a length, as rbldns-data has it: no text ends so. */
static bool
parse_binary(struct slice key, struct cidr *ret)
{
	struct in6_addr addr = { .s6_addr = { [10] = 0xff, 0xff } };

	if (key.len != 5 || key.at[4] < 1 || key.at[4] > 32)
		return false;
	memcpy(&addr.s6_addr[12], key.at, 4);
	*ret = cidr_mask(&addr, CIDR_V4_BITS + (unsigned)key.at[4]);
	return true;
}

/* Nothing but what addresses are made of. */
static bool
is_meant_as_network(struct slice key)
{
	bool has_digit = false;

	for (size_t i = 0; i < key.len; i++) {
		char c = key.at[i];

		has_digit |= list_is_digit(c);
		if (!list_is_digit(c) && c != '.' && c != '/' && c != '-')
			return false;
	}
	return has_digit;
}

static int
put_record(struct parser *p, struct slice key, struct slice value)
{
	struct slice none = { key.at, 0 };
	struct list_entry entry = { .is_excluded = is_let_off(p, value) };
	UNINITIALIZED struct quote q;
	bool masked;

	if (parse_binary(key, &entry.cidr))
		return list_put(p, &entry, none);
	key = unterminated(key);
	if (cidr_parse(key.at, key.len, &entry.cidr, &masked) == 0)
		return list_put_cidr(
		    p, &entry.cidr, masked, none, entry.is_excluded);
	if (list_is_networks(key))
		return list_put_networks(p, key, none, entry.is_excluded);
	if (list_parse_short(key, &entry.cidr) == 0)
		return list_put(p, &entry, none);
	if (list_parse_asn(key, true, &entry.asn)) {
		entry.is_asn = true;
		return list_put(p, &entry, none);
	}
	if (is_meant_as_network(key))
		return list_bad_line(
		    p, "the key \"%s\" is no network", list_quote(key, &q));
	/* A host's name, "=.example.org", "user@192.0.2.1", and the rule for
	 * all others, which has an empty key. */
	list_note_foreign(p);
	return 0;
}

/* Compiled lists of our own say nothing of whose they are. */
static bool
is_ours(struct slice key, struct slice value)
{
	return key.len == 4 && memcmp(key.at, "meta", 4) == 0 &&
	    value.len > 8 && memcmp(value.at, "tarpit-l", 8) == 0;
}

int
list_parse_cdb(struct parser *p, const char *buf, size_t len)
{
	struct file f = { .buf = buf, .len = len };
	size_t at = HEAD, n = 0;
	int r = 0;

	if (!read_head(&f))
		return list_bad_file(p, "not a CDB file");
	if (f.end + f.places * PLACE != len)
		return list_bad_file(p,
		    "damaged CDB file%s: %zu bytes instead of %zu",
		    len < f.end + f.places * PLACE ? ", cut short" : "", len,
		    f.end + f.places * PLACE);
	r = check_records(p, &f);
	if (r == 0)
		r = check_tables(p, &f);
	/* All of them are whole: check_records() has seen that. */
	while (r == 0 && at < f.end) {
		struct slice key, value;

		if (!next_record(&f, &at, &key, &value))
			break;
		p->report->line = (unsigned)++n;
		if (is_ours(key, value))
			return list_bad_file(p,
			    "compiled by tarpit-lists itself, which is no "
			    "source");
		if (!is_erased(key, value))
			r = list_tolerate(p, put_record(p, key, value));
	}
	return r;
}
