/* SPDX-License-Identifier: ISC */
/* A response of whoever can reach us: the first byte chooses what was asked. */
#include "policy/dns_message.h"

#include "tests/helpers/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_PTR, DNS_AAAA };
	struct dns_answer a;
	AUTO_FREE char *copy = NULL;

	if (size == 0)
		return 0;
	copy = fuzz_copy(data + 1, size - 1);
	if (dns_message_read((const uint8_t *)copy, size - 1,
		types[data[0] % ARRAY_SIZE(types)], &a) < 0)
		return 0;
	REQUIRE(a.ttl <= DNS_TTL_MAX);
	REQUIRE((a.status == DNS_FOUND) == (a.n > 0));
	if (types[data[0] % ARRAY_SIZE(types)] != DNS_PTR) {
		REQUIRE(a.n <= DNS_ADDRESSES_MAX);
		return 0;
	}
	REQUIRE(a.n <= DNS_NAMES_MAX);
	for (size_t i = 0; i < a.n; i++) {
		size_t n = strnlen(a.name[i], sizeof(a.name[i]));

		REQUIRE(n <= DNS_TEXT_MAX);
		REQUIRE(strspn(a.name[i],
			    "abcdefghijklmnopqrstuvwxyz0123456789-_.?") == n);
	}
	return 0;
}
