/* SPDX-License-Identifier: ISC */
/* Exclusions, against a simple search: each address is in what is left exactly
 * if the entry that counts for it is no exclusion.  The input is entries of three
 * bytes: last byte of the address, length, exclusion. */
#include "data/carve.h"

#include "tests/helpers/fuzz.h"

enum { ENTRIES_MAX = 64 };

static bool
is_in(const struct cdbfile_prefix *p, size_t n, bool is_ordered,
    const struct in6_addr *addr)
{
	const struct cdbfile_prefix *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!cidr_contains(&p[i].cidr, addr) || (best && is_ordered))
			continue;
		if (!best || p[i].cidr.len > best->cidr.len ||
		    (p[i].cidr.len == best->cidr.len && p[i].list))
			best = &p[i];
	}
	return best && !best->list;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_ordered = size % 2, is_v4 = size % 4 > 1;
	struct cdbfile_prefix in[ENTRIES_MAX], *out = NULL;
	struct in6_addr addr = { .s6_addr = { [10] = 0xff, 0xff } };
	size_t n = 0, n_out = 0;

	addr.s6_addr[0] = is_v4 ? 0 : 0x20;
	for (; n < ENTRIES_MAX && size >= 3; size -= 3, data += 3, n++) {
		addr.s6_addr[15] = data[0];
		in[n] = (struct cdbfile_prefix){
			.cidr = cidr_mask(
			    &addr, is_v4 ? 96 + data[1] % 33u : data[1] % 129u),
			.list = data[2] & 1,
		};
	}
	REQUIRE(carve(in, n, is_ordered, &out, &n_out) == 0);
	for (int last = 0; last < 256; last++) {
		bool found = false;

		addr.s6_addr[15] = (uint8_t)last;
		for (size_t i = 0; i < n_out; i++)
			found |= cidr_contains(&out[i].cidr, &addr);
		REQUIRE(found == is_in(in, n, is_ordered, &addr));
	}
	free(out);
	return 0;
}
