/* SPDX-License-Identifier: ISC */
/* Compiled lists: a valid file with edits (see tests/helpers/fuzz.h).  It opens
 * or it does not; if it does, every address has an answer within bounds.  An
 * input that begins with '!' has its size and checksum put right, as a forger
 * would: random edits alone never get past them. */
#include "data/cdbfile.h"

#include "data/cdblayout.h"
#include "tests/helpers/fuzz.h"

enum { FILE_MAX = 65536 };

static const char *const probes[] = { "192.0.2.7", "192.0.2.200", "192.0.3.1",
	"10.9.8.7", "255.255.255.255", "0.0.0.0", "2001:db8::1",
	"2001:db8:ffff::1", "fe80::1", "::" };

static uint8_t valid[FILE_MAX];
static size_t valid_size;

static void
add(struct cdbfile_prefix *p, const char *text, uint16_t list)
{
	bool masked;

	REQUIRE(cidr_parse(text, strlen(text), &p->cidr, &masked) == 0);
	p->list = list;
}

static void
make_valid(void)
{
	const struct cdbfile_list lists[] = {
		{ "drop", "drop.txt", CDBFILE_BLOCK, 5, 1700000000 },
		{ "known", "spf:example.org", CDBFILE_ALLOW, 3, 1700000000 },
	};
	static const struct cdbfile_asn asns[] = { { 64496, 0, 6 },
		{ 64496, 1, 0 }, { 4200000000, 1, 1 } };
	static const char notes[] = "\0SBL1\0X-2";
	struct cdbfile_prefix p[8] = { 0 };
	AUTO_FD fd = memfd_create("valid", MFD_CLOEXEC);
	ssize_t n;

	add(&p[0], "192.0.2.0/24", 0);
	add(&p[1], "192.0.2.7/32", 1);
	add(&p[2], "192.0.2.128/25", 0);
	add(&p[3], "10.0.0.0/8", 0);
	add(&p[4], "10.9.0.0/16", 1);
	add(&p[5], "2001:db8::/32", 0);
	add(&p[6], "2001:db8:ffff::/48", 1);
	add(&p[7], "fe80::/10", 0);
	REQUIRE(cdbfile_sort(p, 8) == 8);
	p[0].note = 1;
	REQUIRE(cdbfile_write(fd,
		    &(struct cdbfile_content){ .lists = lists,
			.n_lists = 2,
			.prefixes = p,
			.n_prefixes = 8,
			.asns = asns,
			.n_asns = ARRAY_SIZE(asns),
			.notes = notes,
			.notes_size = sizeof(notes),
			.created = 1700000000 }) == 0);
	n = pread(fd, valid, sizeof(valid), 0);
	REQUIRE(n > LAYOUT_META_AT + LAYOUT_META_LEN && n < FILE_MAX);
	valid_size = (size_t)n;
}

static void
put_right(uint8_t *file, size_t size)
{
	uint8_t *meta = file + LAYOUT_META_AT;

	if (size < LAYOUT_META_AT + LAYOUT_META_LEN)
		return;
	memcpy(meta, LAYOUT_MAGIC, 8);
	layout_put32(meta + LAYOUT_META_VERSION, CDBFILE_VERSION);
	layout_put32(meta + LAYOUT_META_SIZE, (uint32_t)size);
	layout_put64(
	    meta + LAYOUT_META_CHECKSUM, layout_checksum_file(file, size));
}

static void
check_lists(const struct cdbfile *f)
{
	for (size_t i = 0; i < cdbfile_n_lists(f); i++) {
		const struct cdbfile_list *list = cdbfile_list(f, i);

		REQUIRE(strlen(list->name) <= CDBFILE_NAME_MAX);
		REQUIRE(strlen(list->source) <= CDBFILE_SOURCE_MAX);
		REQUIRE(list->kind < CDBFILE_KIND_COUNT);
		REQUIRE(cdbfile_list_named(f, list->name) == list);
	}
}

static void
check_match(const struct cdbfile *f, const struct cdbfile_match *m)
{
	REQUIRE(m->n > 0 && m->n <= cdbfile_n_lists(f));
	for (size_t j = 0; j < m->n; j++) {
		const char *note = cdbfile_note(f, &m->hit[j]);

		REQUIRE(m->hit[j].list < cdbfile_n_lists(f));
		REQUIRE(m->hit[j].prefix_len <= CIDR_BITS);
		REQUIRE(cdbfile_is_note(note, strlen(note)));
	}
}

static void
check_answers(const struct cdbfile *f)
{
	static const uint32_t systems[] = { 0, 64495, 64496, 4200000000,
		UINT32_MAX };
	struct cdbfile_match m;
	struct in6_addr addr;

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		REQUIRE(
		    cidr_parse_addr(probes[i], strlen(probes[i]), &addr) == 0);
		if (cdbfile_find(f, &addr, &m) == 1)
			check_match(f, &m);
	}
	for (size_t i = 0; i < ARRAY_SIZE(systems); i++)
		if (cdbfile_find_asn(f, systems[i], &m) == 1)
			check_match(f, &m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX];
	struct cdbfile *f;
	char path[32], why[200] = "";
	size_t n;
	AUTO_FD fd = -1;

	if (valid_size == 0)
		make_valid();
	memcpy(file, valid, valid_size);
	n = fuzz_edit(data, size, file, valid_size, sizeof(file));
	if (size > 0 && data[0] == '!')
		put_right(file, n);
	fd = fuzz_file(file, n, path);
	if (cdbfile_open(path, &f, why, sizeof(why)) < 0) {
		REQUIRE(why[0] != '\0');
		return 0;
	}
	check_lists(f);
	check_answers(f);
	cdbfile_free(f);
	return 0;
}
