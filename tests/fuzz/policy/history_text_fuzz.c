/* SPDX-License-Identifier: ISC */
/* What a server has under a key of ours: whatever.  A value that is taken is in
 * bounds, and what is written in its place is taken again as the same. */
#include "policy/history_text.h"

#include "tests/helpers/fuzz.h"

enum { NOW = 2000000000 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_copy(data, size);
	struct history_record rec = { 0 }, again = { 0 };
	char buf[HISTORY_VALUE_TEXT_MAX];

	if (history_parse_value(text, size, HISTORY_PREGREET, NOW, &rec) < 0)
		return 0;
	REQUIRE(rec.amount[HISTORY_PREGREET] <= HISTORY_AMOUNT_MAX);
	REQUIRE(rec.when[HISTORY_PREGREET] <= NOW);
	REQUIRE(rec.amount[HISTORY_PATIENT] == 0);
	history_format_value(&rec, HISTORY_PREGREET, buf);
	REQUIRE(history_parse_value(
		    buf, strlen(buf), HISTORY_PREGREET, NOW, &again) == 0);
	REQUIRE(memcmp(&rec, &again, sizeof(rec)) == 0);
	return 0;
}
