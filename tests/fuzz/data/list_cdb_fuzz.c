/* SPDX-License-Identifier: ISC */
/* CDB files of other tools: the input is a script of edits of a valid one, which
 * random bytes never are.  Nothing outside of the file is read, and what is not
 * refused is clean. */
#include <cdb.h>

#include "data/list.h"
#include "tests/helpers/fuzz.h"

enum { FILE_MAX = 16384 };

static int
on_entry(void *arg, const struct list_entry *e)
{
	struct cidr masked = cidr_mask(&e->cidr.addr, e->cidr.len);

	REQUIRE(e->cidr.len <= CIDR_BITS);
	REQUIRE(memcmp(&masked.addr, &e->cidr.addr, sizeof(masked.addr)) == 0);
	++*(size_t *)arg;
	return 0;
}

/* What tinycdb, tcprules, postmap and rbldns-data write, in one. */
static size_t
make_valid(uint8_t *file)
{
	static const struct {
		const char *key, *value;
		unsigned key_len, len;
	} records[] = {
		{ "192.0.2.1", "x", 9, 1 },
		{ "192.0.2.", "D", 8, 1 },
		{ "127.", "+RELAYCLIENT=\0", 4, 14 },
		{ "198.51.100", "REJECT spam", 11, 12 },
		{ "2001:db8", "OK", 8, 2 },
		{ "\xc0\0\2\7\x18", "", 5, 0 },
		{ "=.example.org", "", 13, 0 },
		{ "203.0.113.1-203.0.113.9", "1", 23, 1 },
		{ "", "", 0, 0 },
	};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct cdb_make make;
	ssize_t n;

	REQUIRE(fd >= 0 && cdb_make_start(&make, fd) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		REQUIRE(cdb_make_add(&make, records[i].key, records[i].key_len,
			    records[i].value, records[i].len) == 0);
	REQUIRE(cdb_make_finish(&make) == 0);
	n = pread(fd, file, FILE_MAX, 0);
	REQUIRE(n > 0 && n < FILE_MAX);
	close(fd);
	return (size_t)n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t valid[FILE_MAX], file[FILE_MAX];
	static size_t valid_len;
	struct list_options options = { .is_allow = size % 2 };
	AUTO_FREE char *copy = NULL;
	struct list_report report;
	size_t len, n = 0;

	if (valid_len == 0)
		valid_len = make_valid(valid);
	memcpy(file, valid, valid_len);
	len = fuzz_edit(data, size, file, valid_len, sizeof(file));
	copy = fuzz_copy(file, len);
	if (list_parse(&options, copy, len, on_entry, &n, &report) < 0)
		REQUIRE(report.text[0] != '\0');
	REQUIRE(report.entries == n);
	return 0;
}
