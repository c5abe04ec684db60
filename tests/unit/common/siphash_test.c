/* SPDX-License-Identifier: ISC */
#include "bin/common/siphash.h"

#include "tests/helpers/check.h"

/* Key 00..0f, message 00..n-1: from an implementation of its own, which gives
 * the paper's own vector with the rounds of SipHash-2-4. */
static const struct {
	size_t len;
	uint64_t hash;
} vector[] = {
	{ 0, UINT64_C(0xabac0158050fc4dc) },
	{ 1, UINT64_C(0xc9f49bf37d57ca93) },
	{ 7, UINT64_C(0xd3927d989bb11140) },
	{ 8, UINT64_C(0x369095118d299a8e) },
	{ 9, UINT64_C(0x25a48eb36c063de4) },
	{ 15, UINT64_C(0xd320d86d2a519956) },
	{ 16, UINT64_C(0xcc4fdd1a7d908b66) },
	{ 63, UINT64_C(0x9d199062b7bbb3a8) },
};

static void
hashes_as_published(void)
{
	const struct siphash_key key = { { UINT64_C(0x0706050403020100),
	    UINT64_C(0x0f0e0d0c0b0a0908) } };
	unsigned char message[1 + 63]; /* and unaligned */

	for (size_t i = 0; i < 63; i++)
		message[1 + i] = (unsigned char)i;
	for (size_t i = 0; i < ARRAY_SIZE(vector); i++)
		CHECK(siphash(&key, message + 1, vector[i].len) ==
		    vector[i].hash);
}

static void
each_key_is_another(void)
{
	struct siphash_key a = { 0 }, b = { 0 };

	CHECK_INT(siphash_key_init(&a), 0);
	CHECK_INT(siphash_key_init(&b), 0);
	CHECK(a.k[0] != b.k[0] && a.k[1] != b.k[1]);
	CHECK(siphash(&a, "x", 1) != siphash(&b, "x", 1));
}

static const struct check_case cases[] = {
	CASE(hashes_as_published),
	CASE(each_key_is_another),
};

int
main(int argc, char **argv)
{
	return check_main(cases, ARRAY_SIZE(cases), argc, argv);
}
