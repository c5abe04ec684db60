#pragma once
/* SPDX-License-Identifier: ISC */
/* The words of a command or a reply.  Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* The next blank-separated word from *POS on; false at END. */
static inline bool
token_next(
    const char **pos, const char *end, const char **ret_word, size_t *ret_len)
{
	const char *p = *pos;

	while (p < end && *p == ' ')
		p++;
	*ret_word = p;
	while (p < end && *p != ' ')
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
