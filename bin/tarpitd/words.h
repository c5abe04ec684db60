#pragma once
/* SPDX-License-Identifier: ISC */
/* What a client has called itself and its sender, for the record: interned as
 * "HELO\0sender". */

#include <stddef.h>
#include <stdint.h>

#include "bin/common/intern.h"

/* What is kept of either. */
enum { WORD_MAX = 255 };

/* Replaces what *WORDS names by a new HELO, a new sender, or both; length 0
 * keeps the old one. */
void words_remember(struct intern *, uint32_t *words, const char *helo,
    size_t helo_len, const char *sender, size_t sender_len);
