#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * Texts that may hold a secret, for people: what an administrator wrote is
 * quoted in errors, records and statuses, and a password, a token or the key
 * of a paid DNS zone must not be.  Pure.
 */

#include <stdbool.h>
#include <stddef.h>

/* Whether the LEN bytes at LABEL look like a key rather than a word: 20 and
 * more letters and digits, of both kinds. */
bool secret_is_key(const char *label, size_t len);

/* TEXT as it may be shown, in BUF (SIZE bytes, cut to fit).  "*" stands for
 *	what is before the last @ of a URL: redis://:s3cret@host
 *	the values behind a URL's ?, but for db=: https://host/list?token=s3cret
 *	whatever looks like a key between two marks: key.zen.example.net
 */
const char *secret_hide(const char *text, char *buf, size_t size);
