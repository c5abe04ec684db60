/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/words.h"

#include <string.h>

static size_t
shorter(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* By "HELO\0SENDER"; false if that does not fit into MOST. */
static bool
replace(struct intern *in, uint32_t *words, const char *helo, size_t helo_len,
    const char *sender, size_t sender_len, size_t most)
{
	char text[2 * WORD_MAX + 1];
	uint32_t used = in->used, number;

	if (helo_len > 0)
		memcpy(text, helo, helo_len);
	text[helo_len] = '\0';
	if (sender_len > 0)
		memcpy(text + helo_len + 1, sender, sender_len);
	number = intern_put(in, text, helo_len + 1 + sender_len);
	if (in->used > used && in->bytes - intern_frees(in, *words) > most) {
		intern_release(in, number);
		return false;
	}
	intern_release(in, *words);
	*words = number;
	return true;
}

bool
words_remember(struct intern *in, uint32_t *words, const char *helo,
    size_t helo_len, const char *sender, size_t sender_len, size_t most)
{
	size_t max = in->bytes > most / 2 ? WORD_CROWDED_MAX : WORD_MAX;
	size_t old_len;
	const char *old = intern_get(in, *words, &old_len);
	bool whole;
	/* Who is new leaves room for the senders of those who are there. */
	size_t room = old != NULL ? most : most / 4 * 3;

	if (helo_len == 0 && sender_len == 0)
		return true;
	if (old != NULL && helo_len == 0) {
		helo = old;
		helo_len = strnlen(old, old_len);
	}
	if (old != NULL && sender_len == 0) {
		sender = old + strnlen(old, old_len) + 1;
		sender_len = old_len - (size_t)(sender - old);
	}
	whole = max == WORD_MAX || (helo_len <= max && sender_len <= max);
	return replace(in, words, helo, shorter(helo_len, max), sender,
		   shorter(sender_len, max), room) &&
	    whole;
}
