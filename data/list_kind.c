/* SPDX-License-Identifier: ISC */
/* What is taken for a list and is none, or none yet. */
#include <stdio.h>
#include <string.h>

#include "data/file_kind.h"
#include "data/listparse.h"

enum { LOOKED_AT = 1024 };

/* Text of two bytes a character, without the mark that says so. */
static bool
is_utf16(const char *buf, size_t len)
{
	size_t n = len < 64 ? len / 2 * 2 : 64, low = 0, high = 0;

	for (size_t i = 0; i < n; i += 2) {
		low += buf[i] == '\0' && buf[i + 1] != '\0';
		high += buf[i] != '\0' && buf[i + 1] == '\0';
	}
	return n >= 8 && (low == n / 2 || high == n / 2);
}

/* The mark at the start of UTF-16 and UTF-32. */
static bool
is_marked(const char *buf, size_t len)
{
	return len >= 2 &&
	    (memcmp(buf, "\xff\xfe", 2) == 0 ||
		memcmp(buf, "\xfe\xff", 2) == 0);
}

static bool
has_control(const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)buf[i] < ' ' &&
		    !memchr("\t\n\r\f", buf[i], 4))
			return true;
	return false;
}

/* Whether a page or a document: lists begin with no such bracket. */
static bool
is_page(const char *buf, size_t len)
{
	while (len > 0 && memchr("\xef\xbb\xbf \t\r\n", *buf, 7)) {
		buf++;
		len--;
	}
	return len > 0 && *buf == '<';
}

const char *
list_foreign_kind(
    const char *buf, size_t len, char text[FILE_KIND_SIZE], bool *ret_is_page)
{
	static const char mmdb[] = "\xab\xcd\xefMaxMind.com";
	size_t tail = len < 131072 ? len : 131072;
	size_t head = len < LOOKED_AT ? len : LOOKED_AT;

	*ret_is_page = is_page(buf, len);
	if (len == 0)
		return NULL;
	if (is_utf16(buf, len)) {
		snprintf(
		    text, FILE_KIND_SIZE, "a text in UTF-16: save it in UTF-8");
		return text;
	}
	if (memmem(buf + len - tail, tail, mmdb, sizeof(mmdb) - 1)) {
		snprintf(text, FILE_KIND_SIZE, "a MaxMind database");
		return text;
	}
	if (*ret_is_page || has_control(buf, head) || is_marked(buf, len))
		return file_kind((const uint8_t *)buf, len, text);
	return NULL;
}
