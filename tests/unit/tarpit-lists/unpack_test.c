/* SPDX-License-Identifier: ISC */
/* Archives that are whole, cut short, forged, or at their limit. */
#include "bin/tarpit-lists/unpack.h"

#include <errno.h>
#include <stdint.h>
#include <zlib.h>

#include "tests/helpers/check.h"
#include "tests/helpers/resources.h"

enum { BLOCK = 512, SPACE = 1 << 20 };

static char archive[SPACE];
static size_t size;
static char *out;
static size_t out_len;
static char why[128];

static bool
is_wanted(const char *member, size_t len)
{
	return len >= 4 && memcmp(member, "want", 4) == 0;
}

static void
set_sum(char *header)
{
	unsigned int sum = 0;

	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
}

/* Another member, whose header says that it has SAYS bytes. */
static char *
add(char type, const char *text, size_t says)
{
	char *header = archive + size;

	CHECK(size + 3 * BLOCK < SPACE);
	memset(header, 0, BLOCK);
	strcpy(header, "name");
	snprintf(header + 124, 12, "%011zo", says);
	header[156] = type;
	set_sum(header);
	size += BLOCK;
	memset(archive + size, 0, BLOCK);
	memcpy(archive + size, text, strlen(text));
	size += (strlen(text) + BLOCK - 1) / BLOCK * BLOCK;
	return header;
}

static void
finish(void)
{
	memset(archive + size, 0, 2 * (size_t)BLOCK);
	size += 2 * (size_t)BLOCK;
}

static int
open_it(const void *data, size_t len, size_t max)
{
	int r;

	free(out);
	out = malloc(len + 1);
	CHECK(out != NULL);
	memcpy(out, data, len);
	out_len = len;
	why[0] = '\0';
	r = unpack(&out, &out_len, is_wanted, max, why, sizeof(why));
	CHECK_INT(r < 0, why[0] != '\0');
	return r;
}

static void
check_found(const char *expected)
{
	CHECK_INT(open_it(archive, size, SPACE), 0);
	CHECK_INT(out_len, strlen(expected));
	CHECK(memcmp(out, expected, out_len) == 0);
}

/* What TEXT (LEN bytes) is as a gzip file. */
static size_t
gzip(const char *text, size_t len, char *to, size_t room)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)text,
		.avail_in = (uInt)len,
		.next_out = (Bytef *)to,
		.avail_out = (uInt)room };

	CHECK_INT(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
	CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
	CHECK_INT(deflateEnd(&z), Z_OK);
	return room - z.avail_out;
}

static void
what_is_neither_stays(void)
{
	CHECK_INT(open_it("plain", 5, 5), 0);
	CHECK_INT(out_len, 5);
	CHECK(memcmp(out, "plain", 5) == 0);
	CHECK_INT(open_it("", 0, 5), 0);
	CHECK_INT(out_len, 0);
	/* No header either. */
	CHECK_INT(open_it("\x1f\x8b", 2, 5), 0);
	CHECK_INT(open_it("\x1f\x8b\x08", 3, 5), -EBADMSG);
}

static void
the_first_wanted_member_is_taken(void)
{
	add('0', "other", 5);
	add('5', "", 0);
	add('0', "wanted one", 10);
	add('0', "wanted two", 10);
	finish();
	check_found("wanted one");
}

static void
only_regular_members_are_taken(void)
{
	add('x', "wanted as a header", 18);
	add('L', "wanted as a name", 16);
	/* What a link's header says that it has is not there. */
	add('2', "", 1000);
	add('5', "", 512);
	add('7', "wanted", 6);
	finish();
	check_found("wanted");
	size = 0;
	add('\0', "wanted of old", 13);
	finish();
	check_found("wanted of old");
}

static void
members_of_whole_blocks(void)
{
	char block[BLOCK + 1];

	memset(block, 'x', BLOCK);
	block[BLOCK] = '\0';
	add('0', block, BLOCK);
	add('0', "wanted", 6);
	finish();
	check_found("wanted");
	/* Nothing behind it. */
	size = 0;
	add('0', "wanted", 6);
	CHECK_INT(open_it(archive, BLOCK + 6, SPACE), 0);
	CHECK_INT(open_it(archive, BLOCK + 5, SPACE), -EBADMSG);
}

static void
a_binary_size_is_read(void)
{
	char *header = add('0', "other", 5);

	memset(header + 124, 0, 12);
	header[124] = (char)0x80;
	header[135] = 5;
	set_sum(header);
	add('0', "wanted", 6);
	finish();
	check_found("wanted");
	/* More than there is; and more than a size can be. */
	header[129] = 1;
	set_sum(header);
	CHECK_INT(open_it(archive, size, SPACE), -EBADMSG);
	header[125] = 1;
	set_sum(header);
	CHECK_INT(open_it(archive, size, SPACE), -EBADMSG);
}

static void
damage_is_refused(void)
{
	char *header;

	add('0', "other", 5);
	header = add('0', "wanted", 6);
	finish();
	header[0]++;
	CHECK_INT(open_it(archive, size, SPACE), -EBADMSG);
	header[0]--;
	memset(header + 124, 'z', 11);
	set_sum(header);
	CHECK_INT(open_it(archive, size, SPACE), -EBADMSG);
	size = 0;
	add('0', "other", 5);
	finish();
	CHECK_INT(open_it(archive, size, SPACE), -EBADMSG);
	/* Cut off between members, and within a header. */
	CHECK_INT(open_it(archive, 2 * (size_t)BLOCK, SPACE), -EBADMSG);
	CHECK_INT(open_it(archive, 2 * (size_t)BLOCK + 100, SPACE), -EBADMSG);
	CHECK_INT(open_it(archive, BLOCK + 5, SPACE), -EBADMSG);
}

static void
packed_archives_are_unpacked(void)
{
	static char packed[SPACE];
	size_t len;

	add('0', "other", 5);
	add('0', "wanted", 6);
	finish();
	len = gzip(archive, size, packed, sizeof(packed));
	CHECK_INT(open_it(packed, len, SPACE), 0);
	CHECK_INT(out_len, 6);
	CHECK(memcmp(out, "wanted", 6) == 0);
	for (size_t cut = 3; cut < len; cut += 7)
		CHECK_INT(open_it(packed, cut, SPACE), -EBADMSG);
	packed[len - 6]++;
	CHECK_INT(open_it(packed, len, SPACE), -EBADMSG);
}

static void
several_packed_files_are_one(void)
{
	static char packed[4096];
	size_t len = gzip("one ", 4, packed, sizeof(packed));

	len += gzip("two", 3, packed + len, sizeof(packed) - len);
	/* And padding. */
	CHECK_INT(open_it(packed, len + 600, SPACE), 0);
	CHECK_INT(out_len, 7);
	CHECK(memcmp(out, "one two", 7) == 0);
}

/* The limit is of what comes out. */
static void
what_is_too_large_is_refused(void)
{
	static char text[200000], packed[SPACE];
	size_t len;

	memset(text, 'x', sizeof(text));
	len = gzip(text, sizeof(text), packed, sizeof(packed));
	CHECK_INT(open_it(packed, len, sizeof(text) + 1), 0);
	CHECK_INT(out_len, sizeof(text));
	CHECK(memcmp(out, text, out_len) == 0);
	CHECK_INT(open_it(packed, len, sizeof(text) - 1), -EFBIG);
	CHECK_INT(open_it(packed, len, 65536), -EFBIG);
	CHECK_INT(open_it(packed, len, 1), -EFBIG);
}

static void
nothing_is_left_behind(void)
{
	static char packed[SPACE];
	size_t len;
	long live;

	add('0', "other", 5);
	finish();
	len = gzip(archive, size, packed, sizeof(packed));
	CHECK_INT(open_it(packed, len, SPACE), -EBADMSG);
	live = memory_live;
	for (int i = 0; i < 3; i++) {
		CHECK_INT(open_it(packed, len, SPACE), -EBADMSG);
		CHECK_INT(open_it(packed, len, 100), -EFBIG);
		CHECK_INT(open_it(packed, len - 1, SPACE), -EBADMSG);
	}
	CHECK_INT(memory_live, live);
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(what_is_neither_stays),
		CASE(the_first_wanted_member_is_taken),
		CASE(only_regular_members_are_taken),
		CASE(members_of_whole_blocks),
		CASE(a_binary_size_is_read),
		CASE(damage_is_refused),
		CASE(packed_archives_are_unpacked),
		CASE(several_packed_files_are_one),
		CASE(what_is_too_large_is_refused),
		CASE(nothing_is_left_behind),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
