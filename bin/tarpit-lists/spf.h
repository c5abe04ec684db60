#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The networks that a domain's SPF record lets send its mail, within the limits
 * of RFC 7208, 4.6.4: 10 terms that look something up, 10 hosts of an MX, two
 * look-ups that find nothing.
 */

#include <stddef.h>

#include "bin/common/util.h"

enum {
	SPF_LOOKUPS_MAX = 10,
	SPF_VOID_MAX = 2,
	SPF_MX_MAX = 10,
	/* Not of the RFC: shorter prefixes than these, and all of a domain's
	 * IPv4 networks together being more than these addresses, are a mistake
	 * or worse. */
	SPF_V4_LEN_MIN = 8,
	SPF_V6_LEN_MIN = 16,
	SPF_V4_ADDRESSES_MAX = 1 << 28,
};

struct resolver;

/* *RET_TEXT, for the caller to free, is the networks of DOMAIN, one a line.  0,
 * or with the reason in WHY (SIZE bytes): -EBADMSG (the record is wrong, or
 * lets half of the world send), -E2BIG (over a limit), -ENOENT (there is none), -EAGAIN
 * (the DNS does not answer), -ENOMEM. */
int spf_collect(struct resolver *, const char *domain, char **ret_text,
    size_t *ret_len, char *why, size_t size) MUST_CHECK;
