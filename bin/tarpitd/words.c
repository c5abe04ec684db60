/* SPDX-License-Identifier: ISC */
#include "bin/tarpitd/words.h"

#include <string.h>

void
words_remember(struct intern *in, uint32_t *words, const char *helo,
    size_t helo_len, const char *sender, size_t sender_len)
{
	char text[2 * WORD_MAX + 1];
	size_t old_len;
	const char *old = intern_get(in, *words, &old_len);
	uint32_t number;

	if (helo_len == 0 && sender_len == 0)
		return;
	if (old != NULL && helo_len == 0) {
		helo = old;
		helo_len = strnlen(old, old_len);
	}
	if (old != NULL && sender_len == 0) {
		sender = old + strnlen(old, old_len) + 1;
		sender_len = old_len - (size_t)(sender - old);
	}
	if (helo_len > WORD_MAX)
		helo_len = WORD_MAX;
	if (sender_len > WORD_MAX)
		sender_len = WORD_MAX;
	if (helo_len > 0)
		memcpy(text, helo, helo_len);
	text[helo_len] = '\0';
	if (sender_len > 0)
		memcpy(text + helo_len + 1, sender, sender_len);
	number = intern_put(in, text, helo_len + 1 + sender_len);
	intern_release(in, *words);
	*words = number;
}
