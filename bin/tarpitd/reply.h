#pragma once
/* SPDX-License-Identifier: ISC */
/* Replies of an MTA, as they come in on a stream.  Pure. */

#include <stddef.h>

#include "bin/common/util.h"

/* The first complete reply, of one line or several, at BUF: its length with
 * the last line's end, and its code.  0, -EAGAIN (not complete), or -EBADMSG
 * (no reply, or lines of different codes). */
int reply_find_end(
    const char *buf, size_t len, size_t *ret_len, int *ret_code) MUST_CHECK;

/* The text behind the code of the next line of a complete reply from *POS on,
 * which is moved behind it; NULL at END. */
const char *reply_next_line(const char **pos, const char *end, size_t *ret_len);

/* Copies a complete reply for another client, word for word but for control
 * characters, and with CRLF as line ends.  What does not fit in SIZE bytes is
 * left out line by line, from the front.  The length. */
size_t reply_copy(const char *reply, size_t len, char *buf, size_t size);
