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
	DNSBL_PATTERNS_MAX = 16, /* of a filter, separated by commas */
	DNSBL_FILTER_MAX = 190,  /* bytes of its text */
	DNSBL_ZONE_MAX = 160,    /* 72 bytes of nibbles go before it, of 254 */
	DNS_NAME_SIZE = 256,
};

/* The answers that count; without patterns every listing does. */
struct dnsbl_filter {
	size_t n;
	struct dnsbl_pattern {
		uint64_t number[3][4]; /* a bit each; behind the 127 */
	} pattern[DNSBL_PATTERNS_MAX];
};

/* Patterns separated by commas; "" counts all.  Each of a pattern's four numbers
 * is one, or a range "2-11" or "2..11", or several of these in brackets, with
 * semicolons between: "127.0.0.2-11", "127.0.[0;2..20].[1..3]" (as of Postfix's
 * postscreen).  0, or -EINVAL with the reason, static, in *RET_WHY. */
int dnsbl_filter_parse(const char *text, struct dnsbl_filter *ret,
    const char **ret_why) MUST_CHECK;

bool dnsbl_filter_has(const struct dnsbl_filter *, uint32_t answer);

/* Whether an answer (host order) says that the address is listed: 127/8 does,
 * but not 127.255.255/24, which says that the question was refused, and
 * nothing outside, which comes from a resolver that lies. */
bool dnsbl_is_listing(uint32_t answer);

/* What an answer that is no listing means, in words. */
const char *dnsbl_refusal(uint32_t answer);

/* "7.2.0.192.ZONE", or nibbles for IPv6; of ADDR's reverse name if ZONE is
 * NULL. */
void dnsbl_name(
    const struct in6_addr *addr, const char *zone, char name[DNS_NAME_SIZE]);
