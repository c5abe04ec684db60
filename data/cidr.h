#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Addresses and prefixes of both families in one shape: 128 bits, an IPv4
 * address as its IPv4-mapped IPv6 address.  The prefix 192.0.2.0/24 is thus
 * ::ffff:192.0.2.0 with a length of 96 + 24.  Pure: no I/O, no resolver.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "bin/common/util.h"

enum {
	CIDR_BITS = 128,
	CIDR_V4_BITS = 96, /* what an IPv4 prefix length is counted from */
	CIDR_STRLEN = INET6_ADDRSTRLEN + 4, /* "/128"; room for the NUL */
};

/* No bit of ADDR past LEN is set. */
struct cidr {
	struct in6_addr addr;
	uint8_t len; /* 0..128 */
};

/* Parses LEN bytes of TEXT as `a.b.c.d` or IPv6 (RFC 4291, no zone), no white
 * space around it.  0 or -EINVAL. */
int cidr_parse_addr(
    const char *text, size_t len, struct in6_addr *ret_addr) MUST_CHECK;

/* The same with an optional `/length`, decimal, without leading zeros.  Bits
 * past the length are cleared and *RET_MASKED says so: publishers write
 * 192.0.2.1/24 and mean the network.  0, -EINVAL (no address), -ERANGE (the
 * length is not a number that the family allows). */
int cidr_parse(const char *text, size_t len, struct cidr *ret_cidr,
    bool *ret_masked) MUST_CHECK;

/* Both write IPv4 in dotted quads; cidr_format() always writes the length, as
 * the family counts it.  They return BUF (CIDR_STRLEN bytes). */
const char *cidr_format(const struct cidr *, char *buf);
const char *cidr_format_addr(const struct in6_addr *, char *buf);

bool cidr_addr_is_v4(const struct in6_addr *);

/* An IPv4 prefix, as opposed to an IPv6 one that may span ::ffff:0:0/96. */
bool cidr_is_v4(const struct cidr *);

/* The prefix of LEN (0..128) bits that ADDR is in. */
struct cidr cidr_mask(const struct in6_addr *addr, unsigned len);

/* The last address of the prefix; the first is its `addr`. */
struct in6_addr cidr_last(const struct cidr *);

bool cidr_contains(const struct cidr *, const struct in6_addr *addr);

/* The widest prefix that starts at *FIRST and goes no further than *LAST, both
 * of one family and in order; *FIRST becomes the address after it.  False: that
 * was the end of the range. */
bool cidr_take_range(
    struct in6_addr *first, const struct in6_addr *last, struct cidr *ret_cidr);

/* <0, 0, >0: by first address, a wider prefix before those inside it. */
int cidr_compare(const struct cidr *, const struct cidr *);

/* The address behind ADDR; false if there is none. */
bool cidr_addr_next(struct in6_addr *addr);
/* The one before ADDR, which is not the very first. */
struct in6_addr cidr_addr_before(struct in6_addr addr);
