/* SPDX-License-Identifier: ISC */
#include "policy/mmdb_check.h"

#include <errno.h>

#include "tests/helpers/check.h"

/* A file of one node (24-bit records), whose left record leads to the first
 * byte of the data. */
enum { TREE = 6, GAP = 16, DATA = TREE + GAP };

static uint8_t *
build(const void *data, size_t len, size_t *ret_size)
{
	static const uint8_t tree[TREE] = { 0, 0, 1 + GAP, 0, 0, 1 };
	uint8_t *file = calloc(1, DATA + len + 1);

	CHECK(file != NULL);
	memcpy(file, tree, TREE);
	if (len > 0)
		memcpy(file + DATA, data, len);
	*ret_size = DATA + len;
	return file;
}

/* The reason why a file with this data is refused; "" if it is not. */
static const char *
check_data(const void *data, size_t len)
{
	const char *why = NULL;
	size_t size;
	AUTO_FREE uint8_t *file = build(data, len, &size);
	int r = mmdb_check_tree(file, size, 1, 24, &why);

	if (r == 0)
		return "";
	CHECK_INT(r, -EBADMSG);
	CHECK(why != NULL);
	return why;
}

#define CHECK_DATA(literal) check_data(literal, sizeof(literal) - 1)

static void
plain_values_pass(void)
{
	CHECK_STR(CHECK_DATA("\x42"
			     "CN"),
	    "");
	CHECK_STR(CHECK_DATA("\xe1\x4c"
			     "country_code\x42"
			     "CN"),
	    "");
	CHECK_STR(CHECK_DATA("\xc4\x01\x02\x03\x04"), "");
	CHECK_STR(CHECK_DATA("\x01\x07"), ""); /* true */
	CHECK_STR(CHECK_DATA("\x02\x04\xa0\xa0"), "");
	CHECK_STR(CHECK_DATA("\xe0"), "");
}

static void
values_past_the_end(void)
{
	CHECK_STR(CHECK_DATA(""), "a pointer leads past the end");
	CHECK_STR(CHECK_DATA("\x43"
			     "CN"),
	    "a value runs past the end");
	CHECK_STR(CHECK_DATA("\xe1\x41"
			     "a"),
	    "a value runs past the end");
	CHECK_STR(CHECK_DATA("\x5d"), "a value runs past the end");
	CHECK_STR(CHECK_DATA("\x5f\xff\xff\xff"), "a value runs past the end");
	CHECK_STR(CHECK_DATA("\xff\xff\xff\xff"), "a value runs past the end");
	CHECK_STR(CHECK_DATA("\x00"), "a value runs past the end");
}

static void
long_sizes(void)
{
	static char data[2000];

	data[0] = 0x5d; /* 29 + one byte: 29 + 255 */
	data[1] = (char)255;
	CHECK_STR(check_data(data, 2 + 29 + 255), "");
	CHECK_STR(check_data(data, 1 + 29 + 255), "a value runs past the end");
	data[0] = 0x5e; /* 285 + two bytes: 285 + 256 */
	data[1] = 1;
	CHECK_STR(check_data(data, 3 + 285 + 256), "");
	CHECK_STR(check_data(data, 2 + 285 + 256), "a value runs past the end");
}

static void
pointers(void)
{
	/* All four forms; the first leads to the string behind it. */
	CHECK_STR(CHECK_DATA("\x20\x02\x41"
			     "a"),
	    "");
	CHECK_STR(CHECK_DATA("\x20\x09"), "a pointer leads past the end");
	CHECK_STR(CHECK_DATA("\x28\x00\x00"), "a pointer leads past the end");
	CHECK_STR(
	    CHECK_DATA("\x30\x00\x00\x00"), "a pointer leads past the end");
	CHECK_STR(
	    CHECK_DATA("\x38\xff\xff\xff\xff"), "a pointer leads past the end");
	CHECK_STR(CHECK_DATA("\x38\x00\x00"), "a value runs past the end");
}

static void
loops_end(void)
{
	/* A pointer to itself; an array that holds itself. */
	CHECK_STR(CHECK_DATA("\x20\x00"), "");
	CHECK_STR(CHECK_DATA("\x02\x04\x20\x00\x20\x00"), "");
}

static void
depth_is_bounded(void)
{
	static char data[2 * 1000000 + 1];

	for (size_t i = 0; i < 1000000; i++) {
		data[2 * i] = 1; /* an array of one */
		data[2 * i + 1] = 4;
	}
	data[sizeof(data) - 1] = 0x40;
	CHECK_STR(check_data(data, sizeof(data)), "values are nested too deep");
	/* The sixteenth level is the last. */
	CHECK_STR(check_data(data + sizeof(data) - 33, 33), "");
	CHECK_STR(check_data(data + sizeof(data) - 35, 35),
	    "values are nested too deep");
}

/* Strings of four bytes, which, read from within, are the head of an array of
 * 8,477 such strings: 10,000 records lead into 85 million steps. */
static void
tangles_are_refused(void)
{
	enum { N = 10000, STRINGS = 20000 };
	static uint8_t file[N * TREE + GAP + 5 * STRINGS];
	uint8_t *p = file;
	const char *why;

	for (unsigned int i = 0; i < 2 * N; i++) {
		unsigned int record = N + GAP + i / 2 * 5 + 1;

		*p++ = (uint8_t)(record >> 16);
		*p++ = (uint8_t)(record >> 8);
		*p++ = (uint8_t)record;
	}
	p += GAP;
	for (unsigned int i = 0; i < STRINGS; i++) {
		memcpy(p, "\x44\x1e\x04\x20\x00", 5);
		p += 5;
	}
	CHECK_INT(mmdb_check_tree(file, sizeof(file), N, 24, &why), -EBADMSG);
	CHECK_STR(why, "values overlap");
}

static void
records_are_bounded(void)
{
	enum { N = 66000 };
	static char data[4 + N];

	data[0] = 0x5f; /* a string of 65821 + 179 bytes */
	data[3] = (char)(N - 65821);
	CHECK_STR(check_data(data, sizeof(data)), "a record is too large");
}

static void
tree_bounds(void)
{
	const char *why;
	size_t size;
	AUTO_FREE uint8_t *file = build("\xe0", 1, &size);

	CHECK_INT(mmdb_check_tree(file, size, 1, 24, &why), 0);
	CHECK_INT(mmdb_check_tree(file, size, 0, 24, &why), -EBADMSG);
	CHECK_INT(mmdb_check_tree(file, size, 2, 24, &why), -EBADMSG);
	CHECK_INT(mmdb_check_tree(file, size, UINT32_MAX, 32, &why), -EBADMSG);
	CHECK_INT(mmdb_check_tree(file, size, 1, 25, &why), -EBADMSG);
	CHECK_INT(mmdb_check_tree(file, 10, 1, 24, &why), -EBADMSG);
	/* Into the gap between tree and data. */
	file[2] = 5;
	CHECK_INT(mmdb_check_tree(file, size, 1, 24, &why), -EBADMSG);
	CHECK_STR(why, "a record leads nowhere");
}

static void
record_sizes(void)
{
	static uint8_t file[64];
	const char *why;

	/* 28 bits: the right record, 0x1000011, has its top bits in the
	 * middle byte; the left one leads to the first byte. */
	memcpy(file, "\x00\x00\x11\x01\x00\x00\x01", 7);
	file[7 + 16] = 0x40;
	CHECK_INT(mmdb_check_tree(file, 7 + 16 + 1, 1, 28, &why), -EBADMSG);
	CHECK_STR(why, "a pointer leads past the end");
	file[3] = 0;
	CHECK_INT(mmdb_check_tree(file, 7 + 16 + 1, 1, 28, &why), 0);
	memset(file, 0, sizeof(file));
	memcpy(file, "\x00\x00\x00\x11\x00\x00\x00\x01", 8);
	file[8 + 16] = 0x40;
	CHECK_INT(mmdb_check_tree(file, 8 + 16 + 1, 1, 32, &why), 0);
}

static void
metadata(void)
{
	static const char good[] = "junk\xab\xcd\xefMaxMind.com\xe0";
	static const char cut[] = "junk\xab\xcd\xefMaxMind.com\xe1\x42";
	static const char none[] = "\xab\xcd\xefMaxMind.co";
	static uint8_t deep[14 + 2 * 50000 + 1];
	const char *why;

	CHECK_INT(
	    mmdb_check_metadata((const uint8_t *)good, sizeof(good) - 1, &why),
	    0);
	CHECK_INT(
	    mmdb_check_metadata((const uint8_t *)cut, sizeof(cut) - 1, &why),
	    -EBADMSG);
	CHECK_STR(why, "a value runs past the end");
	CHECK_INT(
	    mmdb_check_metadata((const uint8_t *)none, sizeof(none) - 1, &why),
	    -EBADMSG);
	CHECK_INT(
	    mmdb_check_metadata((const uint8_t *)none, 0, &why), -EBADMSG);
	CHECK_STR(why, "no metadata: truncated, or not a .mmdb file");
	memcpy(deep, good + 4, 14);
	for (size_t i = 0; i < 50000; i++) {
		deep[14 + 2 * i] = 1;
		deep[15 + 2 * i] = 4;
	}
	deep[sizeof(deep) - 1] = 0x40;
	CHECK_INT(mmdb_check_metadata(deep, sizeof(deep), &why), -EBADMSG);
	CHECK_STR(why, "values are nested too deep");
}

int
main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(plain_values_pass),
		CASE(values_past_the_end),
		CASE(long_sizes),
		CASE(pointers),
		CASE(loops_end),
		CASE(depth_is_bounded),
		CASE(tangles_are_refused),
		CASE(records_are_bounded),
		CASE(tree_bounds),
		CASE(record_sizes),
		CASE(metadata),
	};

	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
