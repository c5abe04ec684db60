#pragma once
/* SPDX-License-Identifier: ISC */
/* The words of a command or a reply.  Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* RFC 5321, 4.1.1: of a tab between words servers are tolerant. */
static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline const char *
token_skip_blanks(const char *pos, const char *end)
{
	while (pos < end && is_blank(*pos))
		pos++;
	return pos;
}

/* The next blank-separated word from *POS on; false at END. */
static inline bool
token_next(
    const char **pos, const char *end, const char **ret_word, size_t *ret_len)
{
	const char *p = token_skip_blanks(*pos, end);

	*ret_word = p;
	while (p < end && !is_blank(*p))
		p++;
	*ret_len = (size_t)(p - *ret_word);
	*pos = p;
	return *ret_len > 0;
}

static inline bool
token_is(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}
