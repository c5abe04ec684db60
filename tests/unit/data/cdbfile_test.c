/* SPDX-License-Identifier: ISC */
#include "data/cdbfile.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/cdblayout.h"
#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"

enum { MAX_PREFIXES = 4096 };

/* Lists being made, and the file made of them, which is in memory only. */
struct fixture {
	struct cdbfile_list lists[CDBFILE_LISTS_MAX];
	size_t n_lists;
	struct cdbfile_prefix prefixes[MAX_PREFIXES];
	size_t n_prefixes;
	struct cdbfile_asn asns[16];
	size_t n_asns;
	int fd;
	char path[32];
	struct cdbfile *file;
};

static struct fixture fixture;

/* "SBL1" is at 1, "X-2" at 6. */
static const char notes[] = "\0SBL1\0X-2";

static void
add_list(const char *name, enum cdbfile_kind kind)
{
	fixture.lists[fixture.n_lists++] = (struct cdbfile_list){ .name = name,
		.source = "/etc/tarpit/x.txt",
		.kind = kind,
		.updated = 1234567890 };
}

static void
add(uint16_t list, const char *text)
{
	struct cdbfile_prefix *p = &fixture.prefixes[fixture.n_prefixes++];
	bool masked;

	CHECK(fixture.n_prefixes <= MAX_PREFIXES);
	CHECK_INT(cidr_parse(text, strlen(text), &p->cidr, &masked), 0);
	p->list = list;
	fixture.lists[list].entries++;
}

static void
open_empty(void)
{
	fixture.fd = memfd_create("test", MFD_CLOEXEC);
	CHECK(fixture.fd >= 0);
	snprintf(
	    fixture.path, sizeof(fixture.path), "/proc/self/fd/%d", fixture.fd);
}

static int
write_file(void)
{
	open_empty();
	return cdbfile_write(fixture.fd,
	    &(struct cdbfile_content){
		.lists = fixture.lists,
		.n_lists = fixture.n_lists,
		.prefixes = fixture.prefixes,
		.n_prefixes = fixture.n_prefixes,
		.asns = fixture.asns,
		.n_asns = fixture.n_asns,
		.notes = notes,
		.notes_size = sizeof(notes),
		.created = 1700000000,
	    });
}

static int
try_open(char *why, size_t size)
{
	return cdbfile_open(fixture.path, &fixture.file, why, size);
}

static void
compile(void)
{
	char why[128] = "";

	fixture.n_prefixes = cdbfile_sort(fixture.prefixes, fixture.n_prefixes);
	fixture.n_asns = cdbfile_sort_asns(fixture.asns, fixture.n_asns);
	CHECK_INT(write_file(), 0);
	CHECK_INT(try_open(why, sizeof(why)), 0);
}

static void
two_lists(void)
{
	add_list("a", CDBFILE_BLOCK);
	add_list("b", CDBFILE_ALLOW);
}

/* "a 10.0.0.0/8, b 10.1.0.0/16", "none" or "error". */
static const char *
found(const char *text)
{
	static char out[4096];
	struct cdbfile_match match;
	struct in6_addr addr;
	size_t len = 0;
	int r;

	CHECK_INT(cidr_parse_addr(text, strlen(text), &addr), 0);
	r = cdbfile_find(fixture.file, &addr, &match);
	if (r <= 0)
		return r == 0 ? "none" : "error";
	for (size_t i = 0; i < match.n; i++) {
		struct cidr cidr = cidr_mask(&addr, match.hit[i].prefix_len);
		char buf[CIDR_STRLEN];

		len += (size_t)snprintf(out + len, sizeof(out) - len,
		    "%s%s %s%s", i ? ", " : "",
		    cdbfile_list(fixture.file, match.hit[i].list)->name,
		    cidr_format(&cidr, buf),
		    cdbfile_note(fixture.file, &match.hit[i]));
	}
	return out;
}

static void
finds_the_longest_prefix_of_each_list(void)
{
	two_lists();
	add(0, "10.1.0.0/16");
	add(0, "10.1.2.0/24");
	add(1, "10.1.2.128/25");
	add(0, "10.1.2.200");
	compile();
	CHECK_STR(found("10.1.1.255"), "a 10.1.0.0/16");
	CHECK_STR(found("10.1.2.0"), "a 10.1.2.0/24");
	CHECK_STR(found("10.1.2.128"), "a 10.1.2.0/24, b 10.1.2.128/25");
	CHECK_STR(found("10.1.2.200"), "a 10.1.2.200/32, b 10.1.2.128/25");
	CHECK_STR(found("10.1.2.201"), "a 10.1.2.0/24, b 10.1.2.128/25");
	CHECK_STR(found("10.1.3.0"), "a 10.1.0.0/16");
	CHECK_STR(found("10.2.0.0"), "none");
	CHECK_STR(found("10.0.255.255"), "none");
}

static void
buckets_inherit_wider_prefixes(void)
{
	two_lists();
	add(0, "10.0.0.0/8");
	add(1, "0.0.0.0/0");
	add(0, "10.7.7.7");
	add(0, "2001:db8::/29");
	add(1, "2001:db8:1::/48");
	compile();
	CHECK_STR(found("10.7.7.7"), "a 10.7.7.7/32, b 0.0.0.0/0");
	CHECK_STR(found("10.7.7.8"), "a 10.0.0.0/8, b 0.0.0.0/0");
	CHECK_STR(found("10.8.0.0"), "a 10.0.0.0/8, b 0.0.0.0/0");
	CHECK_STR(found("11.0.0.0"), "b 0.0.0.0/0");
	CHECK_STR(found("2001:db8:1::1"), "a 2001:db8::/29, b 2001:db8:1::/48");
	CHECK_STR(found("2001:db8:2::1"), "a 2001:db8::/29");
	CHECK_STR(found("2001:dbf::1"), "a 2001:db8::/29");
	CHECK_STR(found("2001:dc0::1"), "none");
}

static void
tells_what_a_list_has(void)
{
	static const struct {
		bool prefixes, systems;
	} want[] = { { true, true }, { true, false }, { true, false },
		{ false, true }, { false, false } };

	add_list("a", CDBFILE_BLOCK);
	add_list("b", CDBFILE_BLOCK);
	add_list("c", CDBFILE_BLOCK);
	add_list("d", CDBFILE_BLOCK);
	add_list("e", CDBFILE_BLOCK);
	add(0, "10.0.0.0/8");
	add(1, "10.0.0.0/8");
	add(2, "::/0");
	fixture.asns[fixture.n_asns++] = (struct cdbfile_asn){ 64496, 0, 0 };
	fixture.asns[fixture.n_asns++] = (struct cdbfile_asn){ 64497, 3, 0 };
	compile();
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct cdbfile_list *l = cdbfile_list(fixture.file, i);

		CHECK_INT(l->has_prefixes, want[i].prefixes);
		CHECK_INT(l->has_systems, want[i].systems);
	}
}

static void
finds_the_ends_of_the_address_space(void)
{
	two_lists();
	add(0, "0.0.0.0");
	add(0, "255.255.255.255");
	add(1, "255.255.0.0/16");
	add(0, "::");
	add(0, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	add(1, "ffff::/16");
	compile();
	CHECK_STR(found("0.0.0.0"), "a 0.0.0.0/32");
	CHECK_STR(found("0.0.0.1"), "none");
	CHECK_STR(
	    found("255.255.255.255"), "a 255.255.255.255/32, b 255.255.0.0/16");
	CHECK_STR(found("255.255.255.254"), "b 255.255.0.0/16");
	CHECK_STR(found("::"), "a ::/128");
	CHECK_STR(found("::1"), "none");
	CHECK_STR(found("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
	    "a ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128, b ffff::/16");
	CHECK_STR(found("ffff::"), "b ffff::/16");
}

static void
keeps_families_apart(void)
{
	two_lists();
	add(0, "::/0");
	add(1, "192.0.2.0/24");
	compile();
	CHECK_STR(found("192.0.2.1"), "b 192.0.2.0/24");
	CHECK_STR(found("::ffff:192.0.2.1"), "b 192.0.2.0/24");
	CHECK_STR(found("192.0.3.1"), "none");
	CHECK_STR(found("::1"), "a ::/0");
}

static void
neighbours_keep_their_own_prefix(void)
{
	two_lists();
	add(0, "192.0.2.0/25");
	add(0, "192.0.2.128/25");
	add(0, "192.0.3.0/32");
	compile();
	CHECK_STR(found("192.0.2.127"), "a 192.0.2.0/25");
	CHECK_STR(found("192.0.2.128"), "a 192.0.2.128/25");
	CHECK_STR(found("192.0.3.0"), "a 192.0.3.0/32");
}

/*
 * Against the obvious way
 */

static uint64_t random_state = 42;

static uint32_t
random_below(uint32_t limit)
{
	random_state =
	    random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((random_state >> 33) % limit);
}

/* Few different values in each byte, so that prefixes nest and meet. */
static struct in6_addr
random_addr(bool v4)
{
	static const uint8_t values[] = { 0, 0, 1, 127, 128, 255 };
	struct in6_addr addr = { 0 };

	for (int i = v4 ? 12 : 0; i < 16; i++)
		addr.s6_addr[i] = values[random_below(sizeof(values))];
	if (v4)
		addr.s6_addr[10] = addr.s6_addr[11] = 0xff;
	else
		addr.s6_addr[0] |= 0x20;
	return addr;
}

static void
add_random(bool v4)
{
	struct cdbfile_prefix *p = &fixture.prefixes[fixture.n_prefixes++];
	struct in6_addr addr = random_addr(v4);
	unsigned base = v4 ? CIDR_V4_BITS : 0;

	p->cidr = cidr_mask(&addr, base + random_below(CIDR_BITS - base + 1));
	p->list = (uint16_t)random_below((uint32_t)fixture.n_lists);
}

/* The longest prefix of LIST that ADDR is in, or -1. */
static int
longest(uint16_t list, const struct in6_addr *addr)
{
	int best = -1;

	for (size_t i = 0; i < fixture.n_prefixes; i++) {
		const struct cdbfile_prefix *p = &fixture.prefixes[i];

		if (p->list == list && p->cidr.len > best &&
		    cidr_is_v4(&p->cidr) == cidr_addr_is_v4(addr) &&
		    cidr_contains(&p->cidr, addr))
			best = p->cidr.len;
	}
	return best;
}

static void
check_as_obvious(const struct in6_addr *addr)
{
	struct cdbfile_match match = { 0 };
	int r = cdbfile_find(fixture.file, addr, &match);
	size_t k = 0;

	CHECK_INT(r, match.n > 0);
	for (uint16_t list = 0; list < fixture.n_lists; list++) {
		int len = longest(list, addr);

		if (len < 0)
			continue;
		CHECK(k < match.n);
		CHECK_INT(match.hit[k].list, list);
		CHECK_INT(match.hit[k].prefix_len, len);
		k++;
	}
	CHECK_INT(k, match.n);
}

static void
agrees_with_the_obvious_way(void)
{
	two_lists();
	add_list("c", CDBFILE_BLOCK);
	for (int i = 0; i < 1000; i++)
		add_random(i % 2 == 0);
	compile();
	for (int i = 0; i < 4000; i++) {
		struct in6_addr addr = random_addr(i % 2 == 0);

		check_as_obvious(&addr);
	}
	for (size_t i = 0; i < fixture.n_prefixes; i++) {
		struct in6_addr last = cidr_last(&fixture.prefixes[i].cidr);

		check_as_obvious(&last);
	}
}

/*
 * What is written
 */

static void
tells_of_its_lists(void)
{
	const struct cdbfile_list *list;

	two_lists();
	add(1, "192.0.2.1");
	compile();
	CHECK_INT(cdbfile_n_lists(fixture.file), 2);
	CHECK_INT(cdbfile_created(fixture.file), 1700000000);
	list = cdbfile_list(fixture.file, 1);
	CHECK_STR(list->name, "b");
	CHECK_STR(list->source, "/etc/tarpit/x.txt");
	CHECK_STR(cdbfile_kind_name(list->kind), "allow");
	CHECK_INT(list->entries, 1);
	CHECK_INT(list->updated, 1234567890);
	CHECK(cdbfile_list_named(fixture.file, "b") == list);
	CHECK(cdbfile_list_named(fixture.file, "c") == NULL);
}

static void
takes_nothing_at_all(void)
{
	compile();
	CHECK_INT(cdbfile_n_lists(fixture.file), 0);
	CHECK_STR(found("192.0.2.1"), "none");
	CHECK_STR(found("::1"), "none");
}

static char names[CDBFILE_LISTS_MAX][8];

static void
holds_as_many_lists_as_promised(void)
{
	struct cdbfile_match match;
	struct in6_addr addr;

	for (uint16_t i = 0; i < CDBFILE_LISTS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "l%03d", i);
		add_list(names[i], CDBFILE_BLOCK);
		add(i, "192.0.2.1");
	}
	compile();
	CHECK_INT(cidr_parse_addr("192.0.2.1", 9, &addr), 0);
	CHECK_INT(cdbfile_find(fixture.file, &addr, &match), 1);
	CHECK_INT(match.n, CDBFILE_LISTS_MAX);
	CHECK_INT(match.hit[CDBFILE_LISTS_MAX - 1].list, CDBFILE_LISTS_MAX - 1);
	fixture.n_lists++;
	CHECK_INT(write_file(), -E2BIG);
}

/* "a SBL1, b", "none" or "error". */
static const char *
found_asn(uint32_t asn)
{
	static char out[256];
	struct cdbfile_match match;
	size_t len = 0;
	int r = cdbfile_find_asn(fixture.file, asn, &match);

	if (r <= 0)
		return r == 0 ? "none" : "error";
	for (size_t i = 0; i < match.n; i++) {
		const char *note = cdbfile_note(fixture.file, &match.hit[i]);

		CHECK_INT(match.hit[i].prefix_len, 0);
		len += (size_t)snprintf(out + len, sizeof(out) - len,
		    "%s%s%s%s", i ? ", " : "",
		    cdbfile_list(fixture.file, match.hit[i].list)->name,
		    note[0] ? " " : "", note);
	}
	return out;
}

static void
finds_autonomous_systems(void)
{
	static const struct cdbfile_asn asns[] = {
		{ 4294967295, 0, 0 },
		{ 64496, 1, 6 },
		{ 64496, 0, 1 },
		{ 64497, 1, 0 },
		{ 64496, 0, 0 },
	};

	two_lists();
	memcpy(fixture.asns, asns, sizeof(asns));
	fixture.n_asns = ARRAY_SIZE(asns);
	compile();
	CHECK_INT(fixture.n_asns, 4);
	/* Of two entries the one without an identifier is before. */
	CHECK_STR(found_asn(64496), "a, b X-2");
	CHECK_STR(found_asn(64497), "b");
	CHECK_STR(found_asn(4294967295), "a");
	CHECK_STR(found_asn(0), "none");
	CHECK_STR(found_asn(64495), "none");
	CHECK_STR(found_asn(64498), "none");
	for (size_t i = 0; i < 2; i++) {
		CHECK(cdbfile_list(fixture.file, i)->has_systems);
		CHECK(!cdbfile_list(fixture.file, i)->has_prefixes);
	}
	CHECK_STR(found("192.0.2.1"), "none");
}

static void
keeps_identifiers(void)
{
	two_lists();
	add(0, "192.0.2.0/24");
	fixture.prefixes[0].note = 1;
	add(0, "192.0.3.0/24");
	fixture.prefixes[1].note = 6;
	add(1, "192.0.2.7");
	add(0, "2001:db8::/32");
	fixture.prefixes[3].note = 1;
	compile();
	CHECK_STR(found("192.0.2.7"), "a 192.0.2.0/24SBL1, b 192.0.2.7/32");
	CHECK_STR(found("192.0.3.255"), "a 192.0.3.0/24X-2");
	CHECK_STR(found("2001:db8::1"), "a 2001:db8::/32SBL1");
}

static void
refuses_senseless_notes(void)
{
	CHECK(cdbfile_is_note("", 0));
	CHECK(cdbfile_is_note("SBL1.a_b-c", 10));
	CHECK(!cdbfile_is_note("a b", 3));
	CHECK(!cdbfile_is_note("a\0b", 3));
	CHECK(!cdbfile_is_note("12345678901234567890123456789012", 32));
	two_lists();
	add(0, "192.0.2.0/24");
	fixture.prefixes[0].note = 2;
	CHECK_INT(write_file(), -EINVAL);
	fixture.prefixes[0].note = sizeof(notes);
	CHECK_INT(write_file(), -EINVAL);
	fixture.prefixes[0].note = 6;
	CHECK_INT(write_file(), 0);
}

static void
removes_what_a_list_has_twice(void)
{
	two_lists();
	add(0, "192.0.2.1");
	add(1, "192.0.2.1");
	add(0, "192.0.2.1/32");
	CHECK_INT(cdbfile_sort(fixture.prefixes, 3), 2);
	CHECK_INT(fixture.prefixes[0].list, 0);
	CHECK_INT(fixture.prefixes[1].list, 1);
	CHECK_INT(cdbfile_sort(NULL, 0), 0);
}

static void
refuses_senseless_input(void)
{
	two_lists();
	add(0, "192.0.2.2");
	add(0, "192.0.2.1");
	CHECK_INT(write_file(), -EINVAL);
	fixture.n_prefixes = cdbfile_sort(fixture.prefixes, 2);
	fixture.prefixes[0].list = 2;
	CHECK_INT(write_file(), -EINVAL);
	fixture.prefixes[0].list = 0;
	fixture.lists[1].name = "a";
	CHECK_INT(write_file(), -EINVAL);
}

/*
 * Bad files
 */

static void
small_file(void)
{
	two_lists();
	add(0, "10.0.0.0/8");
	add(0, "10.1.2.0/24");
	add(1, "10.1.2.3");
	add(1, "2001:db8::/29");
	add(0, "2001:db8::1");
	fixture.asns[fixture.n_asns++] = (struct cdbfile_asn){ 64496, 1, 6 };
	fixture.asns[fixture.n_asns++] = (struct cdbfile_asn){ 64497, 0, 0 };
	compile();
	fixture.file = cdbfile_free(fixture.file);
}

/* The bytes of the fixture's file, writable. */
static uint8_t *
map_file(size_t *ret_size)
{
	struct stat st;
	uint8_t *map;

	CHECK_INT(fstat(fixture.fd, &st), 0);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fixture.fd, 0);
	CHECK(map != MAP_FAILED);
	*ret_size = (size_t)st.st_size;
	return map;
}

static void
refuses_every_truncation(void)
{
	char why[128];
	size_t size;

	small_file();
	(void)map_file(&size);
	while (size-- > 0) {
		CHECK_INT(ftruncate(fixture.fd, (off_t)size), 0);
		why[0] = '\0';
		CHECK_INT(try_open(why, sizeof(why)), -EBADMSG);
		CHECK(why[0] != '\0');
	}
}

static void
refuses_every_flipped_byte(void)
{
	char why[128];
	size_t size;
	uint8_t *map;

	small_file();
	map = map_file(&size);
	for (size_t i = 0; i < size; i++) {
		map[i] ^= 0x55;
		CHECK(try_open(why, sizeof(why)) < 0);
		map[i] ^= 0x55;
	}
	CHECK_INT(try_open(why, sizeof(why)), 0);
}

static void
correct_checksum(uint8_t *map, size_t size)
{
	layout_put64(map + LAYOUT_META_AT + LAYOUT_META_CHECKSUM,
	    layout_checksum_file(map, size));
}

/* Look-ups in a file that may be forged: anything but a crash, an endless
 * loop or a hit that leads nowhere. */
static void
probe_forged(void)
{
	static const char *const probes[] = { "10.1.2.3", "10.1.2.4",
		"10.9.9.9", "0.0.0.0", "2001:db8::1", "2001:dbf::", "::" };

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		CHECK(found(probes[i])[0] != '\0');
}

static void
survives_forged_bytes(void)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff };
	size_t size, opened = 0;
	char why[128];
	uint8_t *map;

	small_file();
	map = map_file(&size);
	for (size_t i = 0; i < size * ARRAY_SIZE(masks); i++) {
		uint8_t *byte = &map[i / ARRAY_SIZE(masks)];
		uint8_t kept = *byte;

		*byte ^= masks[i % ARRAY_SIZE(masks)];
		correct_checksum(map, size);
		if (try_open(why, sizeof(why)) == 0) {
			probe_forged();
			fixture.file = cdbfile_free(fixture.file);
			opened++;
		}
		*byte = kept;
	}
	/* Or the checksum was never right and nothing was tried. */
	CHECK(opened > 0);
}

/* Whether the file is refused with VALUE at OFFSET into the record KEY. */
static bool
is_refused(const char *key, size_t offset, uint32_t value)
{
	char why[128] = "";
	uint8_t kept[4], *at;
	size_t size;
	uint8_t *map = map_file(&size);
	int r;

	at = memmem(
	    map + LAYOUT_META_AT, size - LAYOUT_META_AT, key, strlen(key));
	CHECK(at != NULL);
	at += strlen(key) + offset;
	memcpy(kept, at, 4);
	layout_put32(at, value);
	correct_checksum(map, size);
	r = try_open(why, sizeof(why));
	if (r == 0)
		fixture.file = cdbfile_free(fixture.file);
	memcpy(at, kept, 4);
	munmap(map, size);
	return r == -EBADMSG && strncmp(why, "damaged: ", 9) == 0;
}

static void
refuses_forged_sets(void)
{
	small_file();
	/* Set 0 is not empty; ends before it starts; ends past the members. */
	CHECK(is_refused("sets", 4, 1));
	CHECK(is_refused("sets", 12, 0));
	CHECK(is_refused("sets", 12, 0x7fffffff));
	/* No such list; too long a prefix; a note that is none, and one that
	 * is; a list twice (the third and fourth member are those of
	 * 10.1.2.3). */
	CHECK(is_refused("memb", 0, 2U << 16 | 104U << 8));
	CHECK(is_refused("memb", 0, 0U << 16 | 129U << 8));
	CHECK(is_refused("memb", 4, 2));
	CHECK(!is_refused("memb", 4, 1));
	CHECK(is_refused("memb", 3 * 8, 0U << 16 | 128U << 8));
	CHECK(!is_refused("memb", 3 * 8, 1U << 16 | 128U << 8));
}

static void
refuses_forged_systems_and_notes(void)
{
	small_file();
	/* Out of order; no set; one that does not exist. */
	CHECK(is_refused("asns", 0, 64497));
	CHECK(!is_refused("asns", 0, 64495));
	CHECK(is_refused("asns", 4, 0));
	CHECK(is_refused("asns", 4, 1000));
	/* Not empty at first; a byte that would need quoting; no end. */
	CHECK(is_refused("note", 0, 'A' << 24 | 'S' << 16 | 'B' << 8 | 'L'));
	CHECK(is_refused("note", 0, 'S' << 16 | ' ' << 8 | 'L'));
	CHECK(is_refused("note", 6, 'A' << 24 | 'B' << 16 | 'C' << 8 | 'D'));
}

static void
refuses_forged_ranges(void)
{
	small_file();
	/* 10.0.0.0/8 as a wide range: its buckets, its set. */
	CHECK(is_refused("w4", 0, 0x0b000aff));
	CHECK(is_refused("w4", 4, 0));
	CHECK(is_refused("w4", 4, 1000));
	CHECK(!is_refused("w4", 0, 0x0a000aff));
	/* The second range of the bucket starts inside of the first. */
	CHECK(is_refused("b40a01", 8, 0x010002ff));
	/* And its key is not what the writer writes. */
	CHECK(is_refused("b40a0", 0, 0x47000001));
}

static void
survives_noise(void)
{
	char why[128];
	uint8_t buf[8192];

	open_empty();
	for (int round = 0; round < 200; round++) {
		size_t len = random_below(sizeof(buf));

		for (size_t i = 0; i < len; i++)
			buf[i] = (uint8_t)random_below(256);
		CHECK_INT(ftruncate(fixture.fd, 0), 0);
		CHECK_INT(pwrite(fixture.fd, buf, len, 0), len);
		CHECK_INT(try_open(why, sizeof(why)), -EBADMSG);
	}
}

static void
names_another_version(void)
{
	char why[128];
	size_t size;
	uint8_t *map;

	small_file();
	map = map_file(&size);
	layout_put32(map + LAYOUT_META_AT + LAYOUT_META_VERSION, 3);
	correct_checksum(map, size);
	CHECK_INT(try_open(why, sizeof(why)), -EPROTO);
	CHECK_STR(why, "format version 3; this program reads version 2");
}

static void
outlives_truncation_in_place(void)
{
	two_lists();
	add(0, "192.0.2.1");
	compile();
	/* A plain map would now kill us with SIGBUS. */
	CHECK_INT(ftruncate(fixture.fd, 0), 0);
	CHECK_STR(found("192.0.2.1"), "a 192.0.2.1/32");
	CHECK_STR(cdbfile_list(fixture.file, 1)->name, "b");
}

static void
opens_regular_files_only(void)
{
	struct cdbfile *file;
	char why[128];

	CHECK_INT(cdbfile_open("/dev/zero", &file, why, sizeof(why)), -EBADMSG);
	CHECK_STR(why, "not a regular file");
	CHECK_INT(cdbfile_open("/", &file, why, sizeof(why)), -EBADMSG);
	CHECK_INT(
	    cdbfile_open("/nonexistent/x", &file, why, sizeof(why)), -ENOENT);
	CHECK_STR(why, strerror(ENOENT));
}

static int
write_again(void)
{
	int r;

	close(fixture.fd);
	r = write_file();
	return r;
}

/* Failed or closed, nothing of a file is left: no memory, descriptor or map. */
static void
leaves_nothing_behind(void)
{
	char why[128] = "";
	int open, maps = maps_of("lists.cdb");
	long live;

	two_lists();
	add(0, "10.0.0.0/8");
	add(1, "10.1.0.0/16");
	add(1, "2001:db8::/32");
	fixture.asns[fixture.n_asns++] = (struct cdbfile_asn){ 64496, 0, 1 };
	fixture.lists[0].entries++;
	fixture.n_prefixes = cdbfile_sort(fixture.prefixes, fixture.n_prefixes);
	fixture.n_asns = cdbfile_sort_asns(fixture.asns, fixture.n_asns);
	open_empty();
	CHECK_MEMORY(write_again());
	open = descriptors_open();
	live = memory_live;
	CHECK_MEMORY(try_open(why, sizeof(why)));
	CHECK_STR(found("10.1.2.3"), "a 10.0.0.0/8, b 10.1.0.0/16");
	fixture.file = cdbfile_free(fixture.file);
	CHECK_INT(descriptors_open(), open);
	CHECK_INT(maps_of("lists.cdb"), maps);
	CHECK_INT(memory_live, live);
}

static const struct check_case cases[] = {
	CASE(finds_the_longest_prefix_of_each_list),
	CASE(buckets_inherit_wider_prefixes),
	CASE(tells_what_a_list_has),
	CASE(finds_the_ends_of_the_address_space),
	CASE(keeps_families_apart),
	CASE(neighbours_keep_their_own_prefix),
	CASE(agrees_with_the_obvious_way),
	CASE(tells_of_its_lists),
	CASE(takes_nothing_at_all),
	CASE(holds_as_many_lists_as_promised),
	CASE(removes_what_a_list_has_twice),
	CASE(refuses_senseless_input),
	CASE(finds_autonomous_systems),
	CASE(keeps_identifiers),
	CASE(refuses_senseless_notes),
	CASE(refuses_forged_systems_and_notes),
	CASE(refuses_every_truncation),
	CASE(refuses_every_flipped_byte),
	CASE(survives_forged_bytes),
	CASE(refuses_forged_sets),
	CASE(refuses_forged_ranges),
	CASE(survives_noise),
	CASE(names_another_version),
	CASE(outlives_truncation_in_place),
	CASE(opens_regular_files_only),
	CASE(leaves_nothing_behind),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
