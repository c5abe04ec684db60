/* SPDX-License-Identifier: ISC */
#include "bin/common/siphash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

int
siphash_key_init(struct siphash_key *key)
{
	/* Up to 256 bytes come whole. */
	return getrandom(key->k, sizeof(key->k), 0) < 0 ? -errno : 0;
}

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void
do_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static void
compress(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	do_round(v);
	v[0] ^= word;
}

uint64_t
siphash(const struct siphash_key *key, const void *data, size_t len)
{
	uint64_t v[4] = { key->k[0] ^ UINT64_C(0x736f6d6570736575),
		key->k[1] ^ UINT64_C(0x646f72616e646f6d),
		key->k[0] ^ UINT64_C(0x6c7967656e657261),
		key->k[1] ^ UINT64_C(0x7465646279746573) };
	const unsigned char *p = data;
	uint64_t last = (uint64_t)len << 56, word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		compress(v, le64toh(word));
	}
	while (len-- > 0)
		last |= (uint64_t)p[len] << 8 * len;
	compress(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		do_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
