/* SPDX-License-Identifier: ISC */
/* Rules for names, and a name: what stands before and behind the first NUL. */
#include "policy/rdns_rules.h"

#include "policy/dns_message.h"
#include "tests/helpers/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t len = nul ? (size_t)(nul - data) : size;
	AUTO_FREE char *text = fuzz_copy(data, len);
	char name[DNS_TEXT_MAX + 1] = "192-0-2-7.dyn.example";
	struct in6_addr v4 = { .s6_addr = { [10] = 255, 255, 192, 0, 2, 7 } };
	struct in6_addr v6 = { .s6_addr = { 0x20, 1, 0xd, 0xb8, [15] = 7 } };
	struct rdns_rules *rules;
	const char *why = NULL;
	int line = -1;

	if (nul && size - len - 1 < sizeof(name)) {
		memcpy(name, nul + 1, size - len - 1);
		name[size - len - 1] = '\0';
	}
	if (rdns_rules_parse(text, len, &rules, &line, &why) < 0) {
		REQUIRE(why != NULL && line >= 0);
		return 0;
	}
	(void)rdns_rules_match(rules, name, &v4);
	(void)rdns_rules_match(rules, name, &v6);
	rdns_rules_free(rules);
	return 0;
}
