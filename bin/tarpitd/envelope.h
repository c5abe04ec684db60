#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The arguments of MAIL and RCPT, as they go on to the MTA.  Whether an address
 * or a parameter is right is the MTA's to say, in its own words: what is wrong
 * in a book may be what it has taken from this sender for years.  Here is only
 * found where things stand, and whether the answer is known without asking.
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct envelope {
	/* What stands behind "FROM:" or "TO:", as it came: "<path> PARAMETER
	 * ...", in most cases.  Never empty. */
	const char *argument;
	size_t len;
	size_t path_len; /* of it: what looks like the path */
	/* Of MAIL: an address and parameters by the book, all of them offered.
	 * Any MTA takes it now, and judges it with the recipient. */
	bool plain;
	uint64_t size; /* SIZE= of it, or 0 */
};

/* Reads "FROM:<path> PARAMETER ..." (KEYWORD "FROM") without its line end; the
 * bytes are any but controls other than the tab.  OFFERS: enum esmtp_offer.
 * False: it does not begin so, or nothing follows. */
bool envelope_read(const char *text, size_t len, const char *keyword,
    uint8_t offers, struct envelope *ret);
