/* SPDX-License-Identifier: ISC */
/* Lists of all formats: each entry is a clean prefix, errors say where and quote
 * nothing that a terminal would obey; what is bad costs nothing else if that is
 * wanted. */
#include "data/list.h"

#include <errno.h>

#include "data/cdbfile.h"
#include "tests/helpers/fuzz.h"

static int
on_entry(void *arg, const struct list_entry *e)
{
	struct cidr masked = cidr_mask(&e->cidr.addr, e->cidr.len);

	REQUIRE(e->cidr.len <= CIDR_BITS);
	REQUIRE(memcmp(&masked.addr, &e->cidr.addr, sizeof(masked.addr)) == 0);
	REQUIRE(!e->is_asn || e->asn > 0);
	REQUIRE(e->note_len <= LIST_NOTE_MAX);
	REQUIRE(e->note_len == 0 || cdbfile_is_note(e->note, e->note_len));
	++*(size_t *)arg;
	return 0;
}

static void
check_text(const struct list_report *report)
{
	REQUIRE(report->text[0] != '\0');
	for (const char *p = report->text; *p != '\0'; p++)
		REQUIRE(*p >= ' ' && *p <= '~');
}

static size_t n_bad;

static void
on_bad(void *arg, const struct list_report *report)
{
	(void)arg;
	n_bad++;
	REQUIRE(report->line > 0);
	check_text(report);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *copy = fuzz_copy(data, size);
	struct list_report report;
	size_t n;

	for (int format = 0; format < LIST_FORMAT_COUNT; format++) {
		struct list_options options = {
			.format = (enum list_format)format,
			.min_count = size % 4,
			.is_allow = size % 8 > 3,
			.column = size % 16 == 9 ? "2" : NULL,
			.on_bad = size % 2 ? on_bad : NULL,
		};
		int r;

		n = n_bad = 0;
		r = list_parse(&options, copy, size, on_entry, &n, &report);
		REQUIRE(report.entries == n && report.masked <= n);
		REQUIRE(report.excluded <= n && report.bad == n_bad);
		REQUIRE((report.masked > 0) == (report.masked_line > 0));
		REQUIRE((report.foreign > 0) == (report.foreign_line > 0));
		if (r == 0)
			continue;
		REQUIRE(r == -EBADMSG);
		check_text(&report);
	}
	return 0;
}
