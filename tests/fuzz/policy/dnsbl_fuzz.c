/* SPDX-License-Identifier: ISC */
/* Filters of DNS lists' answers: one that is taken matches what is listed by its
 * own words, and nothing outside 127/8. */
#include "policy/dnsbl.h"

#include "tests/helpers/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t outside[] = { 0, 0x7effffff, 0x80000000,
		UINT32_MAX };
	AUTO_FREE char *text = malloc(size + 1);
	static struct dnsbl_filter f;
	const char *why = NULL;

	REQUIRE(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (dnsbl_filter_parse(text, &f, &why) < 0) {
		REQUIRE(why != NULL);
		return 0;
	}
	REQUIRE(f.n <= DNSBL_PATTERNS_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
		REQUIRE(f.n == 0 || !dnsbl_filter_has(&f, outside[i]));
	/* Each pattern has a number in each place. */
	for (size_t i = 0; i < f.n; i++) {
		uint32_t answer = 127;

		for (size_t j = 0; j < 3; j++) {
			uint32_t n = 0;

			while (n < 256 &&
			    !(f.pattern[i].number[j][n / 64] >> n % 64 & 1))
				n++;
			REQUIRE(n < 256);
			answer = answer << 8 | n;
		}
		REQUIRE(dnsbl_filter_has(&f, answer));
	}
	return 0;
}
