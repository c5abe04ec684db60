/* SPDX-License-Identifier: ISC */
/* Text lists: each entry is a clean prefix, errors say where and quote nothing
 * that a terminal would obey. */
#include "data/list.h"

#include "tests/helpers/fuzz.h"

static int
on_entry(void *arg, const struct cidr *c)
{
	struct cidr masked = cidr_mask(&c->addr, c->len);

	REQUIRE(c->len <= CIDR_BITS);
	REQUIRE(memcmp(&masked.addr, &c->addr, sizeof(c->addr)) == 0);
	++*(size_t *)arg;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *copy = fuzz_copy(data, size);
	struct list_report report;
	size_t n;

	for (int format = 0; format < LIST_FORMAT_COUNT; format++) {
		int r;

		n = 0;
		r = list_parse((enum list_format)format, copy, size, on_entry,
		    &n, &report);
		REQUIRE(report.entries == n && report.masked <= n);
		REQUIRE((report.masked > 0) == (report.masked_line > 0));
		if (r == 0)
			continue;
		REQUIRE(r == -EBADMSG && report.line > 0);
		REQUIRE(report.text[0] != '\0');
		for (const char *p = report.text; *p != '\0'; p++)
			REQUIRE(*p >= ' ' && *p <= '~');
	}
	return 0;
}
