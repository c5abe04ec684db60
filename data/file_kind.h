#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * What a file is that was expected to be something else: a download that turned
 * out to be a login page, an archive that nobody unpacked.  For error texts; a
 * guess from the first bytes.  Pure.
 */

#include <stddef.h>
#include <stdint.h>

enum { FILE_KIND_SIZE = 160 };

/* Says in TEXT what the LEN bytes at FILE are, and what to do about it, as in
 * "a zip archive: unpack it first".  TEXT, or NULL if they look like nothing
 * that is known here. */
const char *file_kind(
    const uint8_t *file, size_t len, char text[FILE_KIND_SIZE]);
