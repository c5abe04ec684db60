#pragma once
/* SPDX-License-Identifier: ISC */
/* RFC 3629: is it UTF-8, controls and all?  Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the sequence at S (LEN > 0 bytes), or 0. */
static inline size_t
utf8_length(const char *s, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)*s;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint32_t code = c & (0x7fU >> n);

	if (n == 1)
		return 1;
	if (c < 0xc0 || c > 0xf7 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

static inline bool
utf8_is_valid(const char *s, size_t len)
{
	size_t n;

	for (; len > 0; s += n, len -= n) {
		n = utf8_length(s, len);
		if (n == 0)
			return false;
	}
	return true;
}
