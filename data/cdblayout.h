#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The layout of data/FORMAT.md in C, for the writer and the reader of compiled
 * lists.  All numbers in the file are big-endian, as addresses are, so that
 * memcmp() orders both.
 */

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "data/cidr.h"

/* The "meta" record is the first, so that it lies at the same place in every
 * file: after the CDB's 2048 bytes of table pointers, the two lengths and the
 * key. */
enum {
	LAYOUT_META_AT = 2048 + 8 + 4,
	LAYOUT_META_MAGIC = 0,     /* LAYOUT_MAGIC, 8 bytes */
	LAYOUT_META_VERSION = 8,   /* u32 */
	LAYOUT_META_SIZE = 12,     /* u32; bytes of the file */
	LAYOUT_META_CHECKSUM = 16, /* u64; see layout_checksum() */
	LAYOUT_META_CREATED = 24,  /* u64; Unix seconds */
	LAYOUT_META_LISTS = 32,    /* u32; number of "list" records */
	LAYOUT_META_SETS = 36,     /* u32 */
	LAYOUT_META_MEMBERS = 40,  /* u32; of all sets */
	LAYOUT_META_BUCKETS = 44,  /* u32 of "b4" and u32 of "b6" records */
	LAYOUT_META_LEN = 52,

	LAYOUT_MEMBER_LIST = 0,       /* u16 */
	LAYOUT_MEMBER_PREFIX_LEN = 2, /* u8, then a zero byte */
	LAYOUT_MEMBER_NOTE = 4,       /* u32; where in "note" it starts */
	LAYOUT_MEMBER_LEN = 8,

	LAYOUT_ASN_SET = 4, /* u32; after the number, u32 */
	LAYOUT_ASN_LEN = 8,

	LAYOUT_LIST_KIND = 0,    /* u8, then 3 zero bytes */
	LAYOUT_LIST_ENTRIES = 4, /* u32 */
	LAYOUT_LIST_UPDATED = 8, /* u64; Unix seconds */
	LAYOUT_LIST_NAME =
	    16, /* NUL-terminated, and so is the source after it */

	LAYOUT_KEY_MAX = 2 + 2 * 4,
};

#define LAYOUT_MAGIC "tarpit-l"

/* Where each family's addresses are cut into key and rest. */
struct layout_family {
	char wide_key[3];    /* of the record of prefixes wider than a bucket */
	char bucket_key[3];  /* of the buckets; KEY_LEN bytes in hex follow */
	uint8_t bits;        /* the family itself as a prefix length */
	uint8_t bucket_bits; /* so many bits of an address choose the bucket */
	uint8_t key_at, key_len; /* bytes of struct in6_addr */
	uint8_t rest_at, rest_len;
};

enum { LAYOUT_V4, LAYOUT_V6, LAYOUT_FAMILIES };

/* The shortest common prefixes of attackers' networks are /16 in IPv4 and /32
 * in IPv6 (an allocation): wider ones are rare enough for one record, and a
 * bucket stays within a few cache lines. */
static const struct layout_family layout_families[LAYOUT_FAMILIES] = {
	[LAYOUT_V4] = { "w4", "b4", CIDR_V4_BITS, CIDR_V4_BITS + 16, 12, 2, 14,
	    2 },
	[LAYOUT_V6] = { "w6", "b6", 0, 32, 0, 4, 4, 12 },
};

/* The key of the bucket that ADDR is in, and its length. */
static inline size_t
layout_bucket_key(const struct layout_family *family,
    const struct in6_addr *addr, uint8_t *key)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *p = key;

	*p++ = (uint8_t)family->bucket_key[0];
	*p++ = (uint8_t)family->bucket_key[1];
	/* In hexadecimal: CDB's hash is h * 33 ^ c, which maps the 65,536 keys
	 * with two raw bytes to 8,448 values, 113 probes for a look-up; in hex
	 * it is 1.7. */
	for (unsigned i = 0; i < family->key_len; i++) {
		uint8_t byte = addr->s6_addr[family->key_at + i];

		*p++ = (uint8_t)digits[byte >> 4];
		*p++ = (uint8_t)digits[byte & 15];
	}
	return (size_t)(p - key);
}

/* One entry of a bucket or of a wide record, whose addresses have WIDTH
 * bytes: first, last, set (u32). */
static inline size_t
layout_range_len(size_t width)
{
	return 2 * width + 4;
}

static inline uint32_t
layout_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t
layout_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static inline uint16_t
layout_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void
layout_put16(uint8_t *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
layout_put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
layout_put64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

#define LAYOUT_CHECKSUM_INIT UINT64_C(0xcbf29ce484222325)

/* FNV-1a 64 of LEN bytes, continued from SUM.  The file's checksum is that of
 * all its bytes, those of the checksum itself taken as zero.  It tells damage
 * from data; it is no defence against forgery. */
static inline uint64_t
layout_checksum(uint64_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* The checksum of a whole file in memory; SIZE is past its meta record. */
static inline uint64_t
layout_checksum_file(const uint8_t *file, size_t size)
{
	static const uint8_t zero[8];
	size_t at = LAYOUT_META_AT + LAYOUT_META_CHECKSUM;
	uint64_t sum = layout_checksum(LAYOUT_CHECKSUM_INIT, file, at);

	sum = layout_checksum(sum, zero, sizeof(zero));
	at += sizeof(zero);
	return layout_checksum(sum, file + at, size - at);
}
