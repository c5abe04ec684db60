#pragma once
/* SPDX-License-Identifier: ISC */
/* What a client has called itself and its sender, for the record: interned as
 * "HELO\0sender". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bin/common/intern.h"

/* What is kept of either; and once half of the room for all is used up. */
enum { WORD_MAX = 255, WORD_CROWDED_MAX = 32 };

#define WORDS_UNBOUNDED SIZE_MAX

/* Replaces what *WORDS names by a new HELO, a new sender, or both; length 0
 * keeps the old one.  If all words together would need more memory than MOST
 * bytes nothing is replaced, and nobody is new who would leave less than a
 * quarter of it; what others have said too needs none.  False if
 * MOST has cost something of it. */
bool words_remember(struct intern *, uint32_t *words, const char *helo,
    size_t helo_len, const char *sender, size_t sender_len, size_t most);
