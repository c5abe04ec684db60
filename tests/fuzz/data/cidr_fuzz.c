/* SPDX-License-Identifier: ISC */
/* Addresses and prefixes: what is read is written and reads the same again, and
 * contains its first and its last address. */
#include "data/cidr.h"

#include "tests/helpers/fuzz.h"

static void
check_prefix(const struct cidr *c)
{
	struct in6_addr last = cidr_last(c);
	struct cidr again;
	char text[CIDR_STRLEN];
	bool masked;

	REQUIRE(c->len <= CIDR_BITS);
	REQUIRE(cidr_contains(c, &c->addr) && cidr_contains(c, &last));
	REQUIRE(memcmp(&c->addr, &last, sizeof(last)) <= 0);
	cidr_format(c, text);
	REQUIRE(strlen(text) < CIDR_STRLEN);
	REQUIRE(cidr_parse(text, strlen(text), &again, &masked) == 0);
	REQUIRE(!masked && cidr_compare(c, &again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *copy = fuzz_copy(data, size);
	struct in6_addr addr, again;
	struct cidr cidr;
	char text[CIDR_STRLEN];
	bool masked;

	if (cidr_parse(copy, size, &cidr, &masked) == 0)
		check_prefix(&cidr);
	if (cidr_parse_addr(copy, size, &addr) == 0) {
		cidr_format_addr(&addr, text);
		REQUIRE(cidr_parse_addr(text, strlen(text), &again) == 0);
		REQUIRE(memcmp(&addr, &again, sizeof(addr)) == 0);
	}
	return 0;
}
