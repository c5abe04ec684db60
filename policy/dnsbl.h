#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * DNS lists (RFC 5782): the names that are asked for, and what an answer means.
 * Pure.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/util.h"

enum {
	DNSBL_RANGES_MAX = 8,
	DNSBL_ZONE_MAX = 160, /* 72 bytes of nibbles go before it, of 254 */
	DNS_NAME_SIZE = 256,
};

/* The answers that count; without ranges every listing does. */
struct dnsbl_filter {
	size_t n;
	struct dnsbl_range {
		uint32_t from, to; /* host order */
	} range[DNSBL_RANGES_MAX];
};

/* "127.0.0.2", "127.0.0.2-11" (of the last number) and such, separated by
 * commas; "" counts all.  0 or -EINVAL. */
int dnsbl_filter_parse(const char *text, struct dnsbl_filter *ret) MUST_CHECK;

bool dnsbl_filter_has(const struct dnsbl_filter *, uint32_t answer);

/* Whether an answer (host order) says that the address is listed: 127/8 does,
 * but not 127.255.255/24, which says that the question was refused, and
 * nothing outside, which comes from a resolver that lies. */
bool dnsbl_is_listing(uint32_t answer);

/* "7.2.0.192.ZONE", or nibbles for IPv6; of ADDR's reverse name if ZONE is
 * NULL. */
void dnsbl_name(
    const struct in6_addr *addr, const char *zone, char name[DNS_NAME_SIZE]);
